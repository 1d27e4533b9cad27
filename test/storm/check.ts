/**
 * What must hold when the storm is over: nothing lost, nothing twice. Pure functions over the books; each
 * problem is a sentence.
 */
import { isOpen, type Books, type RunBook } from './ledger.ts'
import type { Plan, Planned } from './plan.ts'

/** Asset → ids of its versions in the order they were appended. */
export type Told = {
  /** The log acknowledged them. */
  readonly accepted: ReadonlyMap<string, readonly string[]>
  /** Nobody knows whether they are stored: at most one per asset, its last. */
  readonly unknown: ReadonlyMap<string, string>
}

const sample = (list: readonly string[]): string =>
  `${list.length}: ${list.slice(0, 3).join(' ')}${list.length > 3 ? ' …' : ''}`

/** How `actual` differs from `wanted`; both are lists of ids in an order that matters. */
const differences = (
  what: string,
  wanted: readonly string[],
  actual: readonly string[],
): string[] => {
  const counts = new Map<string, number>()
  for (const id of actual) counts.set(id, (counts.get(id) ?? 0) + 1)
  const lost = wanted.filter((id) => !counts.has(id))
  const twice = [...counts].filter(([, count]) => count > 1).map(([id]) => id)
  const known = new Set(wanted)
  const strange = actual.filter((id) => !known.has(id))
  const problems = [
    ...(lost.length > 0 ? [`${what}: lost ${sample(lost)}`] : []),
    ...(twice.length > 0 ? [`${what}: twice ${sample(twice)}`] : []),
    ...(strange.length > 0 ? [`${what}: nobody knows ${sample(strange)}`] : []),
  ]
  if (problems.length > 0) return problems
  return wanted.every((id, i) => actual[i] === id) ? [] : [`${what}: in another order`]
}

const gaps = ({ versions }: Books): string[] =>
  [...versions].flatMap(([asset, refs]) => {
    const i = refs.findIndex(({ ordinal }, at) => ordinal !== at + 1)
    return i < 0 ? [] : [`${asset}: version ${i + 1} has ordinal ${refs[i]!.ordinal}`]
  })

/** Everything acknowledged is on the log once, in order, and nothing else is. */
const versionsKept = ({ versions }: Books, { accepted, unknown }: Told): string[] =>
  [...accepted].flatMap(([asset, wanted]) => {
    const actual = (versions.get(asset) ?? []).map(({ version }) => version)
    const last = unknown.get(asset)
    const isThere = last !== undefined && actual.at(-1) === last
    return differences(`versions of ${asset}`, isThere ? [...wanted, last] : wanted, actual)
  })

/** Every version is a trigger of exactly one request of every pipeline that listens to it. */
const triggersKept = (books: Books, { pipeline, slots }: Planned): string[] => {
  const requests = books.requests.get(pipeline) ?? []
  const triggers = requests.flatMap((request) => request.triggeredBy)
  return Object.values(slots).flatMap((asset) =>
    differences(
      `triggers of ${pipeline} by ${asset}`,
      (books.versions.get(asset) ?? []).map(({ version }) => version),
      triggers.filter((ref) => ref.asset === asset).map(({ version }) => version),
    ),
  )
}

/** What runs that gave way should have done is carried over by their heir. */
const carriedOver = (books: Books, { pipeline }: Planned): string[] => {
  const requests = books.requests.get(pipeline) ?? []
  const byHeir = new Map<string, typeof requests>()
  for (const request of requests) {
    const heir = books.runs.get(request.run)?.heir
    if (heir) byHeir.set(heir, [...(byHeir.get(heir) ?? []), request])
  }
  return requests.flatMap((request) => {
    const older = byHeir.get(request.run) ?? []
    const wanted = older.flatMap((one) => [...(one.carriedOver ?? []), ...one.triggeredBy])
    const actual = request.carriedOver ?? []
    return differences(
      `carried over by ${request.run}`,
      wanted.map(({ version }) => version),
      actual.map(({ version }) => version),
    )
  })
}

const runProblems = (books: Books, run: RunBook, { folder }: Planned): string[] => {
  const what = `run ${run.run} of ${run.pipeline}`
  if (isOpen(run)) return [`${what} has not ended (attempt ${run.fence.attempt})`]
  const { outputs, artifacts, request } = run
  if (run.isSuperseded)
    return outputs.length > 0 ? [`${what} was superseded and has an output`] : []
  if (run.end?.type !== 'RunCompleted') return [`${what} ended as ${run.end?.type}`]
  const [artifact] = artifacts
  if (artifacts.length !== 1 || !artifact) return [`${what} has ${artifacts.length} artifacts`]
  const problems = []
  if (outputs.length > 1) problems.push(`${what} has ${outputs.length} versions of its output`)
  const isKnown = books.versions
    .get(artifact.asset)
    ?.some(({ version }, i) => version === artifact.version && artifact.ordinal === i + 1)
  if (!isKnown) problems.push(`${what}: its artifact ${artifact.version} is no version`)
  if (artifact.changed && outputs[0]?.version !== artifact.version)
    problems.push(`${what}: its artifact is not the version it made`)
  const isOther = artifact.renditions[0]!.digest !== request.inputs.value?.digest
  if (folder === 'pass' && isOther) problems.push(`${what}: its output is not its input`)
  return problems
}

/** The newest output is made from the newest input. */
const newestKept = (books: Books, { pipeline, folder, slots, concurrency }: Planned): string[] => {
  if (folder !== 'pass' || concurrency > 1) return []
  const input = books.versions.get(slots.value!)?.at(-1)
  const output = books.versions.get(`output/${pipeline}/value`)?.at(-1)
  return input?.digest === output?.digest ? [] : [`${pipeline}: its newest output is old`]
}

export const problemsOf = (books: Books, told: Told, plan: Plan): string[] => {
  const planned = new Map(plan.pipelines.map((one) => [one.pipeline, one]))
  return [
    ...books.wrong,
    ...gaps(books),
    ...versionsKept(books, told),
    ...plan.pipelines.flatMap((one) => [
      ...triggersKept(books, one),
      ...carriedOver(books, one),
      ...newestKept(books, one),
    ]),
    ...[...books.runs.values()].flatMap((run) => {
      const one = planned.get(run.pipeline)
      return one ? runProblems(books, run, one) : [`run ${run.run} is of no pipeline we know`]
    }),
  ]
}

/** Every accepted version has found its run, and every run has ended. */
export const isSettled = (books: Books, { accepted }: Told, plan: Plan): boolean => {
  for (const { pipeline, slots } of plan.pipelines) {
    const wanted = new Set(Object.values(slots).flatMap((asset) => accepted.get(asset) ?? []))
    for (const { triggeredBy } of books.requests.get(pipeline) ?? [])
      for (const { version } of triggeredBy) wanted.delete(version)
    if (wanted.size > 0) return false
  }
  return [...books.runs.values()].every((run) => !isOpen(run))
}
