import { configValues } from '@headway/schemas/content/config-values.ts'
import { syncReport } from '@headway/schemas/content/sync-report.ts'
import { eachSink, isDry, ledgerOf, withSinks, type OpenSink } from '../sync.ts'
import { ownPlan } from './apply-sync.ts'
import { RetryableError, step, Type } from './step.ts'

/**
 * Reads back what was written and deleted; only what is there counts as done. A target that nobody can
 * read has confirmed by its answer to each write: else the step before this one would have failed.
 */
const namesMax = 5

const differing = async (one: OpenSink, signal: AbortSignal): Promise<readonly string[]> => {
  const plan = ownPlan(one)
  if (one.sink.confirmedBy === 'answer') return []
  const there = [...plan.set, ...plan.adopt].map(({ key }) => key)
  const gone = plan.delete.map(({ key }) => key)
  const keys = [...there, ...gone]
  if (keys.length === 0) return []
  const texts = new Map(one.desired.map(({ key, text }) => [key, text]))
  const live = await one.sink.read(keys, signal)
  return [
    ...there.filter((key) => live.get(key) !== texts.get(key)),
    ...gone.filter((key) => live.has(key)),
  ]
}

export const confirmSync = step({
  name: 'confirm_sync',
  description: 'Reads every sink back and writes down what it holds.',
  inputs: { values: configValues, applied: syncReport },
  options: Type.Object({}, { additionalProperties: false }),
  output: syncReport,
  async run({ values, applied: report }, context) {
    if (isDry(values)) return report
    const counted = await withSinks(values, context, (opened) =>
      eachSink(opened, context, true, async (one) => {
        if (!one.standing.open) return [one.name, null] as const
        const { set, delete: deleted } = ownPlan(one)
        const others = await differing(one, context.signal)
        if (others.length > 0)
          throw new RetryableError(
            `reads back something else for ${others.length} keys, such as ` +
              others.slice(0, namesMax).join(', '),
          )
        await ledgerOf(context).confirm(one.place)
        const gone = new Set(deleted.map(({ key }) => key))
        return [one.name, { written: set.length, deleted: gone.size, gone }] as const
      }),
    )
    const counts = new Map(counted)
    return {
      ...report,
      sinks: report.sinks.map((sink) => {
        const done = counts.get(sink.sink)
        const { written, deleted } = done ?? {
          written: sink.would_write.length,
          deleted: sink.would_delete.length,
        }
        const spared = done ? sink.would_delete.filter((key) => !done.gone.has(key)) : []
        return { ...sink, written, deleted, would_write: [], would_delete: spared }
      }),
    }
  },
})
