/**
 * What the log says about sources, rules, sinks and the pushes that nobody has answered yet. A fold and
 * nothing else; who reads a push asks `until` first whether the newest is known here.
 */
import type { EventOf, Recorded } from '@headway/schemas/events.ts'
import type {
  RuleDefinition,
  SinkDefinition,
  SourceDefinition,
} from '@headway/schemas/rules/definition.ts'
import { isAbout } from '@headway/schemas/rules/environment.ts'

export type Push = EventOf<'PushReceived'> & { readonly tenant: string; readonly seq: number }
export type Defined<D> = { readonly definition: D; readonly seq: number }

export type Source = {
  definition: SourceDefinition | null
  topicSeq: number
  /** Task → a push without an answer, oldest first. */
  readonly pushes: Map<string, Push>
  /** Repository and ref → the newest push of it that was meant. */
  readonly newest: Map<string, Push>
  /** Deliveries that fetchers made; they make none twice. */
  readonly made: Set<string>
}

export type Tenant = {
  readonly sources: Map<string, Source>
  readonly rules: Map<string, Defined<RuleDefinition>>
  readonly sinks: Map<string, Defined<SinkDefinition>>
}

/** Deliveries that fetchers make begin so. */
export const madeHere = /^(rule|poll):/

export class Board {
  readonly #tenants = new Map<string, Tenant>()
  readonly #waiting = new Set<() => void>()
  seq = 0

  all(): Iterable<readonly [string, Tenant]> {
    return this.#tenants
  }

  of(name: string): Tenant {
    let tenant = this.#tenants.get(name)
    if (!tenant)
      this.#tenants.set(name, (tenant = { sources: new Map(), rules: new Map(), sinks: new Map() }))
    return tenant
  }

  source(tenant: string, name: string): Source {
    const { sources } = this.of(tenant)
    let source = sources.get(name)
    if (!source) {
      source = {
        definition: null,
        topicSeq: 0,
        pushes: new Map(),
        newest: new Map(),
        made: new Set(),
      }
      sources.set(name, source)
    }
    return source
  }

  evolve({ tenant, seq, event }: Recorded): void {
    const { rules, sinks } = this.of(tenant)
    switch (event.type) {
      case 'SourceDefined':
        this.source(tenant, event.source).definition = event.definition
        break
      case 'SourceRemoved':
        this.source(tenant, event.source).definition = null
        break
      case 'RuleDefined':
        rules.set(event.rule, { definition: event.definition, seq })
        break
      case 'RuleRemoved':
        rules.delete(event.rule)
        break
      case 'SinkDefined':
        sinks.set(event.sink, { definition: event.definition, seq })
        break
      case 'SinkRemoved':
        sinks.delete(event.sink)
        break
      case 'PushReceived': {
        const source = this.source(tenant, event.source)
        if (source.pushes.has(event.task)) break
        const push = { ...event, tenant, seq }
        source.pushes.set(event.task, push)
        if (!event.dryRun) source.newest.set(refKey(event), push)
        if (madeHere.test(event.delivery)) source.made.add(event.delivery)
        break
      }
      case 'PushResolved':
        this.source(tenant, event.source).pushes.delete(event.task)
        break
    }
  }

  reached(seq: number): void {
    this.seq = Math.max(this.seq, seq)
    for (const wake of this.#waiting) wake()
  }

  async until(seq: number, signal: AbortSignal): Promise<void> {
    while (this.seq < seq && !signal.aborted)
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        this.#waiting.add(wake)
        signal.addEventListener('abort', wake, { once: true })
      })
  }
}

export const refKey = ({ repository, ref }: Pick<Push, 'repository' | 'ref'>): string =>
  `${repository}\n${ref}`

/** The rules that a push is for, by name. */
export const rulesFor = (
  { rules }: Tenant,
  push: Pick<Push, 'source' | 'repository' | 'rule'>,
): readonly (readonly [string, RuleDefinition])[] =>
  [...rules]
    .filter(([name, { definition }]) => {
      return (push.rule === undefined || push.rule === name) && isAbout(definition, push)
    })
    .map(([name, { definition }]) => [name, definition] as const)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
