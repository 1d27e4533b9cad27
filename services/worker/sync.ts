/**
 * What the steps plan, apply and confirm have in common: every sink of a rule opened for one environment,
 * with what should be in it in the sink's own words. Secrets are resolved here, at use, and stay in the
 * memory of the step.
 */
import type { SyncWish } from '@headway/schemas/definitions.ts'
import type { ConfigValues } from '@headway/schemas/content/config-values.ts'
import type { SinkReport, SyncReport } from '@headway/schemas/content/sync-report.ts'
import type { Wanted } from '@headway/schemas/rules/plan.ts'
import { errorOf } from './executor.ts'
import { RetryableError, TerminalError } from './errors.ts'
import type { Ledger, Restore, SinkPlaceOf, Standing } from './ledger-calls.ts'
import { openSeal } from './seal.ts'
import { resolveSecret } from '@headway/streams/secrets.ts'
import { openSink } from './sinks/open.ts'
import { restSink, takeSink } from './sinks/resting.ts'
import type { Sink, SinkPlace } from './sinks/sink.ts'

const namesMax = 5

export type SyncContext = {
  readonly now: string
  readonly signal: AbortSignal
  readonly ledger?: Ledger
  readonly sync?: SyncWish
}

export type OpenSink = {
  readonly name: string
  readonly place: SinkPlaceOf
  readonly standing: Standing
  /** Which sinks are the same one. */
  readonly key: string
  readonly sink: Sink
  readonly desired: readonly Wanted[]
  readonly secrets: ReadonlySet<string>
  readonly labels: SinkPlace
}

export const isDry = ({ dryRun, rule }: ConfigValues): boolean => dryRun || rule.dryRun === true

export const ledgerOf = ({ ledger }: SyncContext): Ledger => {
  if (ledger) return ledger
  throw new TerminalError('there is no ledger here: only a worker can sync')
}

/** A sink that is busy or away is worth another attempt; one that refuses is not. */
const retold = (error: unknown, sink: string): Error => {
  const message = `${sink}: ${error instanceof Error ? error.message : String(error)}`
  const { retryable } = error as { retryable?: unknown }
  return retryable === false
    ? new TerminalError(message, { cause: error })
    : new RetryableError(message, { cause: error })
}

const textsOf = async (sink: Sink, { entries }: ConfigValues, signal: AbortSignal) => {
  const resolved = new Map<string, Promise<string>>()
  const valueOf = (reference: string): Promise<string> => {
    const known = resolved.get(reference) ?? resolveSecret(reference, signal)
    resolved.set(reference, known)
    return known
  }
  const desired: Wanted[] = []
  for (const entry of entries) {
    const value = 'secret' in entry ? await valueOf(entry.secret) : entry.value
    desired.push({ key: entry.key, file: entry.file, text: sink.render(value) })
  }
  return desired
}

/** What the sink held then, in its own words as they are. */
const restoredTexts = (sink: string, { commit }: Restore, { restored }: Standing): Wanted[] => {
  if (!restored)
    throw new TerminalError(`it never held commit ${commit}: name the sinks that did (--sink)`)
  const seal = openSeal()
  const opened = restored.map(({ key, file, held, isReturned }) => ({
    key,
    file,
    text: held && seal.open(key, held),
    ...(isReturned ? { isReturned } : {}),
  }))
  const lost = opened.flatMap(({ key, text }) => (text === null ? [key] : []))
  if (lost.length > 0)
    throw new TerminalError(
      `${sink} cannot get back ${lost.length} secrets, such as ${lost.slice(0, namesMax).join(', ')}: ` +
        'nobody sealed them, or HEADWAY_SEAL_KEY was another one then',
    )
  return opened as Wanted[]
}

const secretsOf = ({ entries }: ConfigValues, { restored }: Standing): ReadonlySet<string> =>
  new Set([
    ...entries.flatMap((entry) => ('secret' in entry ? [entry.key] : [])),
    ...(restored ?? []).flatMap(({ key, held }) => (held && 'digest' in held ? [key] : [])),
  ])

/** The commit whose values this run is about. */
const commitOf = ({ commit }: ConfigValues, { sync }: SyncContext): string =>
  sync?.restore?.commit ?? commit

/** The sinks this run is about. */
const namesOf = ({ rule }: ConfigValues, { sync }: SyncContext): readonly string[] => {
  const stray = sync?.sinks?.find((name) => !rule.sinks.includes(name))
  if (stray !== undefined)
    throw new TerminalError(
      `rule ${rule.name} has no sink ${stray}: it has ${rule.sinks.join(', ')}`,
    )
  return sync?.sinks ?? rule.sinks
}

const openOne = async (
  name: string,
  values: ConfigValues,
  context: SyncContext,
): Promise<OpenSink> => {
  const { signal, now } = context
  const restore = context.sync?.restore
  const commit = commitOf(values, context)
  const { environment, repository, rule, sinks } = values
  const definition = sinks[name]
  if (!definition) throw new TerminalError(`rule ${rule.name} names sink ${name}: there is none`)
  const place = { sink: name, environment, rule: rule.name, repository, commit }
  const standing = await ledgerOf(context).read(place, definition, restore)
  const { tenant } = standing
  const names = { tenant, environment, rule: rule.name, repository }
  const key = JSON.stringify([name, definition, names])
  const sink = await takeSink(key, () => openSink(name, definition, names, signal))
  try {
    const desired = restore
      ? restoredTexts(name, restore, standing)
      : await textsOf(sink, values, signal)
    const secrets = secretsOf(values, standing)
    const labels = { labels: { 'managed-by': 'headway', ...names, commit }, now }
    return { name, place, standing, key, sink, desired, secrets, labels }
  } catch (error) {
    await sink.close().catch(() => {})
    throw error
  }
}

/**
 * Does something with every sink, side by side; all get their turn, then the first failure counts. What
 * failed is written down for its sink.
 */
export const eachSink = async <T>(
  opened: readonly OpenSink[],
  context: SyncContext,
  isTold: boolean,
  act: (one: OpenSink) => Promise<T>,
): Promise<readonly T[]> => {
  const settled = await Promise.allSettled(
    opened.map(async (one) => {
      try {
        return await act(one)
      } catch (error) {
        const known = retold(error, one.name)
        const { type, message } = errorOf(known)
        if (isTold) await ledgerOf(context).fail(one.place, { type, message })
        throw known
      }
    }),
  )
  for (const result of settled) if (result.status === 'rejected') throw result.reason
  return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}

/** Opens the sinks of a rule for `act`. They rest until the next step; what failed is closed. */
export const withSinks = async <T>(
  values: ConfigValues,
  context: SyncContext,
  act: (opened: readonly OpenSink[]) => Promise<T>,
): Promise<T> => {
  const settled = await Promise.allSettled(
    namesOf(values, context).map((name) =>
      openOne(name, values, context).catch((error: unknown) => {
        throw retold(error, name)
      }),
    ),
  )
  const opened = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  let isGood = false
  try {
    for (const one of settled) if (one.status === 'rejected') throw one.reason
    const done = await act(opened)
    isGood = true
    return done
  } finally {
    const leave = ({ key, sink }: OpenSink) => (isGood ? restSink(key, sink) : sink.close())
    await Promise.allSettled(opened.map(leave))
  }
}

export const reportOf = (
  values: ConfigValues,
  context: SyncContext,
  sinks: readonly SinkReport[],
): SyncReport => ({
  rule: values.rule.name,
  repository: values.repository,
  commit: commitOf(values, context),
  environment: values.environment,
  dryRun: isDry(values),
  sinks: [...sinks],
  files: context.sync?.restore ? [] : [...values.files],
})
