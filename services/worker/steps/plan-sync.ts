import { configValues, type ConfigValues } from '@headway/schemas/content/config-values.ts'
import { syncReport, type SinkReport } from '@headway/schemas/content/sync-report.ts'
import type { Held } from '@headway/schemas/rules/definition.ts'
import {
  keysToRead,
  planSync as decide,
  ProtectionError,
  type Had,
  type SyncPlan,
} from '@headway/schemas/rules/plan.ts'
import type { PlanRecord } from '../ledger-calls.ts'
import { openSeal, type Seal } from '../seal.ts'
import {
  eachSink,
  isDry,
  ledgerOf,
  reportOf,
  withSinks,
  type OpenSink,
  type SyncContext,
} from '../sync.ts'
import { step, TerminalError, Type } from './step.ts'

/**
 * Decides what every sink needs and writes it down before anything is written there. A plan that was
 * never confirmed, by an attempt that died or a run that failed, is heeded: what it touched counts as
 * ours, and what was there before it is still what was there before.
 */

/** Keys of a file that could not be read stay as they are. */
const ownedOf = ({ standing }: OpenSink, { files }: ConfigValues, seal: Seal) => {
  const unread = new Set(files.flatMap(({ path, status }) => (status === 'invalid' ? [path] : [])))
  const owned = new Map<string, Had>()
  for (const { key, file, held } of standing.owned)
    if (!unread.has(file)) owned.set(key, { file, text: held && seal.open(key, held) })
  for (const { key, file } of standing.open?.record.set ?? [])
    if (!owned.has(key) && !unread.has(file)) owned.set(key, { file, text: null })
  return owned
}

/** What is there; where nobody can look, what was confirmed last and not touched since. */
const liveOf = async (
  { name, sink, standing }: OpenSink,
  owned: ReadonlyMap<string, Had>,
  keys: readonly string[] | 'all',
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> => {
  if (keys.length === 0) return new Map()
  if (sink.confirmedBy !== 'answer') return sink.read(keys, signal)
  if (keys === 'all')
    throw new TerminalError(`${name} cannot be read: live_state has to see what is there`)
  const open = standing.open?.record
  const touched = new Set([...(open?.set ?? []), ...(open?.delete ?? [])].map(({ key }) => key))
  const known = [...owned].flatMap(([key, { text }]) =>
    text === null || touched.has(key) ? [] : [[key, text] as const],
  )
  return new Map(known)
}

const planOf = async (
  one: OpenSink,
  values: ConfigValues,
  seal: Seal,
  { signal, sync }: SyncContext,
): Promise<SyncPlan> => {
  const { rule } = values
  const { desired, standing } = one
  const given = {
    desired,
    owned: ownedOf(one, values, seal),
    others: new Set(standing.others),
    mode: rule.mode ?? ('auto' as const),
    prune: rule.prune,
    isRestore: sync?.restore !== undefined,
  }
  const live = await liveOf(one, given.owned, keysToRead(given), signal)
  try {
    return decide({ ...given, live })
  } catch (error) {
    throw error instanceof ProtectionError ? new TerminalError(error.message) : error
  }
}

/** An attempt before this one did it all; doing it again would only be told twice. */
const nothingLeft = ({ desired }: OpenSink, { rule }: ConfigValues): SyncPlan => ({
  mode: rule.mode === 'auto' || !rule.mode ? 'smart_repair' : rule.mode,
  set: [],
  adopt: [],
  delete: [],
  release: [],
  spared: [],
  protected: [],
  unchanged: desired.length,
  previous: new Map(),
})

const recordOf = ({ standing, secrets }: OpenSink, plan: SyncPlan, seal: Seal): PlanRecord => {
  const owned = new Map(standing.owned.map(({ key, held }) => [key, held]))
  const open = standing.open?.record
  const told = new Set(standing.open?.told)
  const isSecret = (key: string): boolean => {
    const held = owned.get(key)
    return secrets.has(key) || (held != null && 'digest' in held)
  }
  const before = (key: string, text: string | null): Held | null => {
    if (open && !told.has(key) && Object.hasOwn(open.previous, key)) return open.previous[key]!
    return text === null ? null : seal.hold(key, text, isSecret(key))
  }
  const bare = ({ key, file }: { key: string; file: string }) => ({ key, file })
  return {
    mode: plan.mode,
    set: plan.set.map(bare),
    adopt: plan.adopt.map(bare),
    delete: plan.delete.map(bare),
    release: plan.release.map(bare),
    protected: plan.protected.length,
    unchanged: plan.unchanged,
    previous: Object.fromEntries(
      [...plan.previous].map(([key, text]) => [key, before(key, text)] as const),
    ),
    values: Object.fromEntries(
      [...plan.set, ...plan.adopt].map(({ key, text }) => [
        key,
        seal.hold(key, text, secrets.has(key)),
      ]),
    ),
  }
}

export const plannedReport = (one: OpenSink, plan: SyncPlan): SinkReport => ({
  sink: one.name,
  environment: one.place.environment,
  mode: plan.mode,
  written: 0,
  deleted: 0,
  unchanged: plan.unchanged,
  protected: plan.protected.length,
  protected_keys: plan.protected.map(({ key }) => key),
  would_write: plan.set.map(({ key }) => key),
  would_delete: [...plan.delete, ...plan.spared].map(({ key }) => key),
})

export const planSync = step({
  name: 'plan_sync',
  description: 'Decides what every sink needs, and writes the plan down.',
  inputs: { values: configValues },
  options: Type.Object({}, { additionalProperties: false }),
  output: syncReport,
  async run({ values }, context) {
    const seal = openSeal()
    if (!seal.isKeyed && values.entries.some((entry) => 'secret' in entry))
      context.finding({
        code: 'secrets_not_sealed',
        severity: 'warning',
        message: 'HEADWAY_SEAL_KEY is not set: secrets of this sync cannot be rolled back',
      })
    const sinks = await withSinks(values, context, (opened) =>
      eachSink(opened, context, !isDry(values), async (one) => {
        const plan = one.standing.isConfirmed
          ? nothingLeft(one, values)
          : await planOf(one, values, seal, context)
        if (!isDry(values) && !one.standing.isConfirmed)
          await ledgerOf(context).plan(one.place, recordOf(one, plan, seal))
        return plannedReport(one, plan)
      }),
    )
    return reportOf(values, context, sinks)
  },
})
