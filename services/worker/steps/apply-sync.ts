import { configValues } from '@headway/schemas/content/config-values.ts'
import { syncReport } from '@headway/schemas/content/sync-report.ts'
import type { PlanRecord } from '../ledger-calls.ts'
import { eachSink, isDry, withSinks, type OpenSink } from '../sync.ts'
import { RetryableError, step, Type } from './step.ts'

/**
 * Writes what was planned. Nothing is deleted anywhere before everything is written everywhere, so that a
 * key that moves from one file or sink to another is never missing. Every write may be repeated.
 */

/** The plan of this run. Another run's says that this one is too late. */
export const ownPlan = ({ standing, name }: OpenSink): PlanRecord => {
  if (standing.open?.isOurs) return standing.open.record
  throw new RetryableError(`${name}: the plan of this run is not the newest any more`)
}

export const applySync = step({
  name: 'apply_sync',
  description: 'Writes to every sink what was planned, then deletes.',
  inputs: { values: configValues, plan: syncReport },
  options: Type.Object({}, { additionalProperties: false }),
  output: syncReport,
  async run({ values, plan: report }, context) {
    if (isDry(values)) return report
    const none: ReadonlyMap<string, string> = new Map()
    await withSinks(values, context, async (opened) => {
      await eachSink(opened, context, true, async (one) => {
        if (one.standing.isConfirmed) return
        const planned = new Set(ownPlan(one).set.map(({ key }) => key))
        const set = one.desired.filter(({ key }) => planned.has(key))
        if (set.length === 0) return
        const texts = new Map(set.map(({ key, text }) => [key, text]))
        await one.sink.write({ set: texts, delete: [] }, one.labels, context.signal)
      })
      await eachSink(opened, context, true, async (one) => {
        if (one.standing.isConfirmed) return
        const doomed = ownPlan(one).delete.map(({ key }) => key)
        if (doomed.length === 0) return
        await one.sink.write({ set: none, delete: doomed }, one.labels, context.signal)
      })
    })
    return report
  },
})
