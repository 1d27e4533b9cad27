/**
 * Makes the log say what the file says. The definitions are folded from the log, the difference is
 * appended, one commit per topic, each guarded by the sequence of its topic: what somebody else defined
 * meanwhile is never overwritten unseen. A conflict with a commit that defines nothing (a new version of
 * the asset) is no conflict of ours and tried again.
 *
 * The log's door tells what comes and never that nothing more will. So the fold ends after a pause, and
 * then the newest commit of every topic that matters is asked for by name; what is missing is waited for.
 */
import {
  changesToEvents,
  diffConfig,
  kinds,
  type Change,
  type Config,
  type Definitions,
  type Kind,
} from '@headway/schemas/config.ts'
import type { Event } from '@headway/schemas/events.ts'
import { sha256 } from '@headway/schemas/ids.ts'
import type { Commit, Log, Topic } from '@headway/schemas/ports.ts'
import { CliError, commandLine } from './errors.ts'

const pauseMsMin = 100
const roundsMax = 8
const conflictsMax = 20

export type ApplyOptions = {
  /** Only compare. */
  readonly dryRun?: boolean
  /** Told before anything is appended. */
  readonly show?: (changes: readonly Change[]) => void
  /** Leaves the other changes for later. */
  readonly only?: (change: Change) => boolean
  readonly now?: () => number
}

export type Applied = {
  readonly changes: readonly Change[]
  /** Position of the newest appended commit; 0 when nothing was appended. */
  readonly seq: number
}

type Entry = {
  readonly topic: Topic
  seq: number
  definition: Extract<Event, { definition: object }>['definition'] | null
}

const keyOf = ({ kind, name }: Topic): string => `${kind}\n${name}`

const defined = (before: Entry['definition'], event: Event): Entry['definition'] => {
  switch (event.type) {
    case 'AssetDefined':
    case 'PipelineDefined':
    case 'SourceDefined':
    case 'SinkDefined':
    case 'RuleDefined':
      return event.definition
    case 'AssetRemoved':
    case 'PipelineRemoved':
    case 'SourceRemoved':
    case 'SinkRemoved':
    case 'RuleRemoved':
      return null
    default:
      return before
  }
}

/** The definitions of one tenant as the log has them, and the sequence of every topic. */
class Fold {
  readonly entries = new Map<string, Entry>()
  readonly #log: Log
  readonly #tenant: string
  #seq = 0

  constructor(log: Log, tenant: string) {
    this.#log = log
    this.#tenant = tenant
  }

  seqOf(topic: Topic): number {
    return this.entries.get(keyOf(topic))?.seq ?? 0
  }

  definitionOf(topic: Topic): Entry['definition'] {
    return this.entries.get(keyOf(topic))?.definition ?? null
  }

  definitions(): Definitions {
    const of = <D>(kind: Kind) =>
      Object.fromEntries(
        [...this.entries.values()]
          .filter(({ topic, definition }) => topic.kind === kind && definition !== null)
          .map(({ topic, definition }) => [topic.name, definition as D]),
      )
    return {
      assets: of('asset'),
      pipelines: of('pipeline'),
      sources: of('source'),
      sinks: of('sink'),
      rules: of('rule'),
    }
  }

  /** Folds everything up to the log's head of this moment, for sure on `topics` and all known ones. */
  async catchUp(topics: readonly Topic[]): Promise<void> {
    const askedAt = performance.now()
    const { seq: head } = await this.#log.head()
    let pauseMs = Math.max(pauseMsMin, 5 * (performance.now() - askedAt))
    for (let round = 0; round < roundsMax; round++, pauseMs *= 2) {
      if (this.#seq >= head) return
      await this.#read(head, pauseMs)
      if (this.#seq >= head || !(await this.#isBehind(topics, head))) return
    }
    throw new CliError('timeout', 'the log answers too slowly to be read', [
      `${commandLine('apply')}\ttries again`,
    ])
  }

  async #read(head: number, pauseMs: number): Promise<void> {
    const stop = new AbortController()
    const timer = setTimeout(() => stop.abort(), pauseMs)
    try {
      for await (const commits of this.#log.tail({
        from: this.#seq + 1,
        tenant: this.#tenant,
        kinds,
        signal: stop.signal,
      })) {
        for (const commit of commits) this.#apply(commit)
        if (this.#seq >= head) return
        timer.refresh()
      }
    } finally {
      clearTimeout(timer)
    }
  }

  #apply(commit: Commit): void {
    const key = keyOf(commit.topic)
    const entry = this.entries.get(key) ?? { topic: commit.topic, seq: 0, definition: null }
    entry.seq = commit.seq
    entry.definition = commit.events.reduce(defined, entry.definition)
    this.entries.set(key, entry)
    this.#seq = commit.seq
  }

  async #isBehind(topics: readonly Topic[], head: number): Promise<boolean> {
    const known = [...this.entries.values()].map(({ topic }) => topic)
    const unique = new Map([...known, ...topics].map((topic) => [keyOf(topic), topic])).values()
    const behind = await Promise.all(
      [...unique].map(async (topic) => {
        const newest = await this.#log.last(this.#tenant, topic)
        return newest !== null && newest.seq <= head && newest.seq > this.seqOf(topic)
      }),
    )
    return behind.includes(true)
  }
}

const topicsOf = (config: Config): readonly Topic[] =>
  kinds.flatMap((kind) => Object.keys(config[`${kind}s`]).map((name) => ({ kind, name })))

/** Appends one definition; returns its position. */
const appendOne = async (
  log: Log,
  tenant: string,
  fold: Fold,
  { topic, event }: { readonly topic: Topic; readonly event: Event },
): Promise<number> => {
  const before = JSON.stringify(fold.definitionOf(topic))
  for (let conflicts = 0; conflicts < conflictsMax; conflicts++) {
    const expect = fold.seqOf(topic)
    const { at: _, ...content } = event
    const id = `define-${sha256(JSON.stringify([tenant, topic, expect, content])).slice(0, 32)}`
    const appended = await log.append({ tenant, topic, id, events: [event], source: 'cli', expect })
    if (appended.outcome !== 'conflict') return appended.seq
    await fold.catchUp([topic])
    if (JSON.stringify(fold.definitionOf(topic)) !== before) break
  }
  throw new CliError(
    'conflict',
    `somebody else changed ${topic.kind} ${topic.name} at the same time; what was shown before it is ` +
      'applied, it and the rest are not',
    [`${commandLine('apply --dry-run')}\tshows what is left`],
  )
}

/** Compares, shows, appends. Doing it twice is doing it once. */
export const applyConfig = async (
  log: Log,
  config: Config,
  options: ApplyOptions = {},
): Promise<Applied> => {
  const { dryRun = false, show, only = () => true, now = Date.now } = options
  const fold = new Fold(log, config.tenant)
  await fold.catchUp(topicsOf(config))
  const changes = diffConfig(fold.definitions(), config).filter(only)
  show?.(changes)
  let seq = 0
  if (!dryRun)
    for (const change of changesToEvents(changes, now()))
      seq = await appendOne(log, config.tenant, fold, change)
  return { changes, seq }
}
