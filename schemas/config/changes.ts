/**
 * The difference between what the log says and what is wanted, and the events that close it.
 *
 * Additions come before removals and assets before pipelines before sources before sinks before rules,
 * removals the other way round, so that at no moment anything speaks of what is not there.
 */
import type { Definitions } from '../config.ts'
import type { AssetDefinition, PipelineDefinition } from '../definitions.ts'
import type { RuleDefinition, SinkDefinition, SourceDefinition } from '../rules/definition.ts'
import type { Event } from '../events.ts'
import { toTimestamp } from '../ids.ts'
import type { Topic } from '../ports.ts'

/** One field, `debounce.quietMs`; a side that is left out has no such field. */
export type FieldChange = {
  readonly path: string
  readonly from?: unknown
  readonly to?: unknown
}

/** What the file defines, by kind, in the order in which it is there. */
type Kinds = {
  readonly asset: AssetDefinition
  readonly pipeline: PipelineDefinition
  readonly source: SourceDefinition
  readonly sink: SinkDefinition
  readonly rule: RuleDefinition
}
export type Kind = keyof Kinds
export const kinds: readonly Kind[] = ['asset', 'pipeline', 'source', 'sink', 'rule']

type Of<K extends Kind, D> = {
  readonly kind: K
  readonly name: string
  readonly change: 'added' | 'changed' | 'removed'
  /** Left out when it was added. */
  readonly from?: D
  /** Left out when it was removed. */
  readonly to?: D
  readonly fields: readonly FieldChange[]
}
export type Change = { [K in Kind]: Of<K, Kinds[K]> }[Kind]

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The leaves of a definition by their path. Lists and empty mappings are leaves. */
const leavesOf = (value: unknown, path: string, leaves: Map<string, unknown>): typeof leaves => {
  if (isMapping(value) && (path === '' || Object.keys(value).length > 0)) {
    for (const [key, child] of Object.entries(value))
      leavesOf(child, path ? `${path}.${key}` : key, leaves)
  } else leaves.set(path, value)
  return leaves
}

export const fieldChanges = (from: unknown, to: unknown): readonly FieldChange[] => {
  const before = leavesOf(from ?? {}, '', new Map())
  const after = leavesOf(to ?? {}, '', new Map())
  const changes: FieldChange[] = []
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const [old, wanted] = [before.get(path), after.get(path)]
    if (JSON.stringify(old) === JSON.stringify(wanted)) continue
    changes.push({
      path,
      ...(before.has(path) ? { from: old } : {}),
      ...(after.has(path) ? { to: wanted } : {}),
    })
  }
  return changes
}

const compare = <K extends Kind, D>(
  kind: K,
  current: Readonly<Record<string, D>>,
  wanted: Readonly<Record<string, D>>,
): readonly Of<K, D>[] => {
  const get = (record: Readonly<Record<string, D>>, name: string): D | undefined =>
    Object.hasOwn(record, name) ? record[name] : undefined
  const names = new Set([...Object.keys(current), ...Object.keys(wanted)])
  return [...names].toSorted().flatMap((name): Of<K, D>[] => {
    const from = get(current, name)
    const to = get(wanted, name)
    const fields = fieldChanges(from, to)
    if (from && to)
      return fields.length > 0 ? [{ kind, name, change: 'changed', from, to, fields }] : []
    return to
      ? [{ kind, name, change: 'added', to, fields }]
      : [{ kind, name, change: 'removed', ...(from ? { from } : {}), fields }]
  })
}

/**
 * What has to change. Assets that a pipeline makes belong to its releases and not to the file; what
 * follows from a rule comes and goes with the rule.
 */
export const diffConfig = (current: Definitions, wanted: Definitions): readonly Change[] => {
  const configured = Object.entries(current.assets).filter(
    ([key, { producer, target }]) =>
      (producer === undefined && target === undefined) || Object.hasOwn(wanted.assets, key),
  )
  const assets = compare('asset', Object.fromEntries(configured), wanted.assets)
  const written = Object.entries(current.pipelines).filter(
    ([name, { rule }]) => rule === undefined || Object.hasOwn(wanted.pipelines, name),
  )
  const pipelines = compare('pipeline', Object.fromEntries(written), wanted.pipelines)
  const all: readonly Change[] = [
    ...assets,
    ...pipelines,
    ...compare('source', current.sources, wanted.sources),
    ...compare('sink', current.sinks, wanted.sinks),
    ...compare('rule', current.rules, wanted.rules),
  ]
  const isRemoved = ({ change }: Change): boolean => change === 'removed'
  const removed = [...kinds].reverse().flatMap((kind) => all.filter((one) => one.kind === kind))
  return [...all.filter((change) => !isRemoved(change)), ...removed.filter(isRemoved)]
}

const eventOf = (change: Change, at: string): Event => {
  const base = { v: 1 as const, at }
  switch (change.kind) {
    case 'asset':
      return change.to
        ? { type: 'AssetDefined', ...base, asset: change.name, definition: change.to }
        : { type: 'AssetRemoved', ...base, asset: change.name }
    case 'pipeline':
      return change.to
        ? { type: 'PipelineDefined', ...base, pipeline: change.name, definition: change.to }
        : { type: 'PipelineRemoved', ...base, pipeline: change.name }
    case 'source':
      return change.to
        ? { type: 'SourceDefined', ...base, source: change.name, definition: change.to }
        : { type: 'SourceRemoved', ...base, source: change.name }
    case 'sink':
      return change.to
        ? { type: 'SinkDefined', ...base, sink: change.name, definition: change.to }
        : { type: 'SinkRemoved', ...base, sink: change.name }
    case 'rule':
      return change.to
        ? { type: 'RuleDefined', ...base, rule: change.name, definition: change.to }
        : { type: 'RuleRemoved', ...base, rule: change.name }
  }
}

/** One event per change with the topic it belongs to, in the order of the changes. */
export const changesToEvents = (
  changes: readonly Change[],
  nowMs: number,
): readonly { readonly topic: Topic; readonly event: Event }[] =>
  changes.map((change) => ({
    topic: { kind: change.kind, name: change.name },
    event: eventOf(change, toTimestamp(nowMs)),
  }))
