/** What must be true when nothing goes wrong any more and everybody had time: everything is done, and one. */
import { Projection, addWrite, type Changes } from '@headway/projector/projection.ts'
import type { AnyRow } from '@headway/projector/columns.ts'
import type { Commit } from '@headway/schemas/ports.ts'
import type { Row, TableName } from '@headway/schemas/tables.ts'
import { inputsText, isOver, isOwn, Violation, type Model } from './model.ts'
import { madeOf } from './outside.ts'
import type { Scenario } from './scenario.ts'
import type { StoreServer } from './small-doors.ts'

const kept = 'waiting_external'

/** What is still to be done, in words; null when everything is. */
export const unfinished = (
  model: Model,
  scenario: Scenario,
  contentOf: (tenant: string, digest: string) => string,
): string | null => {
  for (const { tenant, key, feed } of scenario.assets) {
    const asset = model.asset(tenant, key)
    if (asset.pushes.size > 0) return `[I9] a push to ${key} is not answered`
    const latest = asset.versions.at(-1)?.event
    const said = feed?.at(-1)?.content
    if (said && (!latest || contentOf(tenant, latest.rawDigest) !== said))
      return `[I6] ${key} says ${said} and nobody has noticed`
  }
  for (const pipeline of model.pipelines.values()) {
    const { definition, tenant, id } = pipeline
    if (!definition) continue
    if (pipeline.active.length === 0) return `[I9] nothing of ${id} is active`
    const open = model.openRuns(pipeline)
    if (open.length > 0) return `[I9] run ${open[0]!.id} of ${id} is ${open[0]!.status}`
    if (pipeline.redrives.size > 0) return `[I9] a redrive of ${id} does not end`
    const inputs: Record<string, { version: string }> = {}
    let isMissing = false
    for (const [slot, key] of Object.entries(definition.slots)) {
      if (isOwn(id, key)) continue
      const latest = model.asset(tenant, key).versions.at(-1)?.event
      if (latest) inputs[slot] = latest
      else if (slot !== 'b') isMissing = true
    }
    if (isMissing) continue
    if (pipeline.manual.size > 0) return `[I9] a wish for a run of ${id} is not heard`
    if (pipeline.window.length > 0) return `[I7] the window of ${id} does not close`
    if (pipeline.settleNext) continue
    const { settled } = pipeline
    if (settled?.inputs !== inputsText(inputs))
      return `[I6] the newest inputs of ${id} are not those of its last run`
    if (settled.version !== pipeline.active.at(-1)!.version)
      return `[I10] the last run of ${id} is not of the active version`
    if (settled.status === 'failed' || settled.status === 'dead_lettered')
      return `[I9] the last run of ${id} is ${settled.status}`
  }
  return null
}

/** The newest output is what the last run made of its inputs. */
export const checkOutputs = (
  model: Model,
  contentOf: (tenant: string, digest: string) => string,
): void => {
  for (const pipeline of model.pipelines.values()) {
    const { definition, tenant, id } = pipeline
    if (!definition || definition.concurrency > 1) continue
    if (Object.values(definition.slots).some((key) => isOwn(id, key))) continue
    const runs = [...model.runs.values()].filter(
      (run) => run.pipeline === id && run.tenant === tenant && !run.request.canary,
    )
    if (runs.some(({ request, epoch }) => request.pinned || epoch > 0)) continue
    const last = runs.at(-1)
    const latest = model.asset(tenant, `output/${id}/out`).versions.at(-1)?.event
    if (last?.status !== 'completed') continue
    const inputs = Object.fromEntries(
      Object.entries(last.request.inputs).map(([slot, { digest }]) => [
        slot,
        contentOf(tenant, digest),
      ]),
    )
    const made = latest && contentOf(tenant, latest.rawDigest)
    if (made !== madeOf(last.version, inputs))
      throw new Violation('I8', `the newest output of ${id} is not what run ${last.id} made`)
  }
}

/** [I11] The tables equal a fresh replay of the log up to their position. */
export const checkTables = (commits: readonly Commit[], store: StoreServer): void => {
  const projection = new Projection()
  const changes: Changes = new Map()
  const seq = store.position?.seq ?? 0
  for (let i = 0; i < seq; i++)
    for (const write of projection.project(commits[i]!)) addWrite(changes, write)
  const tables = new Set<TableName>([...changes.keys(), ...store.rows.keys()])
  for (const table of tables) {
    const replayed = changes.get(table) ?? new Map<string, AnyRow>()
    const live = store.rows.get(table) ?? new Map<string, AnyRow>()
    for (const id of live.size > replayed.size ? live.keys() : replayed.keys()) {
      const [was, is] = [replayed.get(id), live.get(id)]
      if (!isEqual(was, is))
        throw new Violation(
          'I11',
          `${table} ${id.replaceAll('\0', ' ')} is ${JSON.stringify(is)}, ` +
            `a replay says ${JSON.stringify(was)}`,
        )
    }
  }
}

/** Plain values, whatever the order of their keys. */
const isEqual = (a: unknown, b: unknown): boolean => {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || !a || !b) return false
  const [one, other] = [a as Record<string, unknown>, b as Record<string, unknown>]
  const keys = Object.keys(one)
  return (
    keys.length === Object.keys(other).length && keys.every((key) => isEqual(one[key], other[key]))
  )
}

/** [I8] All readers agree how each run ended. */
export const checkReaders = (model: Model, store: StoreServer): void => {
  for (const row of store.rows.get('runs')?.values() ?? []) {
    const { run, status } = row as Row<'runs'>
    const known = model.runs.get(run)
    if (known && (isOver(known) || known.status === kept) && known.status !== status)
      throw new Violation('I8', `run ${run} is ${known.status}, the read model says ${status}`)
  }
}
