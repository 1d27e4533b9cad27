/** One look into a sink: which keys hold something else than the log says. Nothing is written. */
import { driftedKeys, expectedIn, type Standing } from '@headway/schemas/rules/expected.ts'
import { unreadable, type Looked } from '@headway/schemas/rules/drift.ts'
import type { Owner, OwnerState } from '@headway/schemas/rules/ownership.ts'
import { protection } from '@headway/schemas/rules/plan.ts'
import type { Doors } from '@headway/streams/room.ts'
import type { PlanRecord } from './ledger-calls.ts'
import { openSeal } from './seal.ts'
import { openSink } from './sinks/open.ts'

type LookDoors = Pick<Doors, 'content'>
type LookOptions = {
  readonly sink: string
  readonly place: Owner
  readonly protect: readonly string[]
  readonly standing: Standing
  readonly signal: AbortSignal
}

/** Keys that others may be writing, or have written and not confirmed. */
const keysInDoubt = async (
  { content }: LookDoors,
  tenant: string,
  others: readonly OwnerState[],
): Promise<ReadonlySet<string>> => {
  const plans = others.flatMap(({ open }) => open?.plan ?? [])
  const records = plans.map(async (plan) => {
    const bytes = await content.get(tenant, plan)
    if (!bytes) throw new Error(`the plan ${plan} is gone`)
    return JSON.parse(Buffer.from(bytes).toString()) as PlanRecord
  })
  const touched = (await Promise.all(records)).flatMap((plan) => [...plan.set, ...plan.delete])
  return new Set(touched.map(({ key }) => key))
}

export const look = async (
  doors: LookDoors,
  tenant: string,
  { sink, place, protect, standing, signal }: LookOptions,
): Promise<Looked> => {
  const isProtected = protection(protect)
  const inDoubt = await keysInDoubt(doors, tenant, standing.others)
  const expected = expectedIn(standing, (key) => inDoubt.has(key) || isProtected(key))
  if (expected.size === 0) return { keys: [] }
  const { environment, rule, repository } = place
  const names = { tenant, environment, rule, repository }
  const opened = await openSink(sink, standing.definition, names, signal)
  try {
    if (opened.confirmedBy === 'answer')
      return { error: { type: unreadable, message: 'nobody can read what this target holds' } }
    const live = await opened.read([...expected.keys()], signal)
    const seal = openSeal()
    return { keys: driftedKeys(expected, live, (key, held) => seal.open(key, held)) }
  } finally {
    await opened.close().catch(() => {})
  }
}
