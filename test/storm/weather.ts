/**
 * One storm from the first process to the verdict: start everything, apply load and faults, let it
 * settle, ask everybody for one more answer, then read the books from the log's first event and check.
 */
import { fileURLToPath } from 'node:url'
import type { Commit } from '@headway/schemas/ports.ts'
import { withDeadline } from '@headway/streams/deadline.ts'
import type { Doors } from '@headway/streams/room.ts'
import { startConstellation, type Constellation } from '../constellation.ts'
import { isSettled, problemsOf } from './check.ts'
import { pause, rage, type FaultName } from './faults.ts'
import { book, isOpen, newBooks, type Books } from './ledger.ts'
import { Load } from './load.ts'
import type { StormOptions } from './options.ts'
import { planOf, prepare, type Plan } from './plan.ts'
import { missingBytes, tableProblems } from './tables.ts'

const pipelines = fileURLToPath(new URL('./pipelines', import.meta.url))
const rooms = { worker: 2, fetcher: 1, debounce: 2, projector: 2, api: 1 }
const settleMsMax = 180_000
const progressMs = 5_000

export type Weather = StormOptions & {
  readonly assets?: number
  readonly tell: (line: string) => void
  readonly signal?: AbortSignal
}

export type Verdict = {
  /** Empty when all is well. */
  readonly problems: readonly string[]
  readonly versions: number
  readonly refused: number
  readonly unknown: number
  readonly runs: number
  readonly repeated: number
  readonly ineffective: number
  readonly events: number
  /** On average over the time of the storm, settling left out. */
  readonly eventsPerSecond: number
  readonly faults: ReadonlyMap<FaultName, number>
  readonly settleMs: number
  readonly verified: string
}

/** Reads the log into the books until the signal fires, or up to `head`. */
const keepBooks = async (
  { log }: Doors,
  books: Books,
  signal: AbortSignal,
  head = Number.POSITIVE_INFINITY,
): Promise<void> => {
  if (head === 0) return
  for await (const commits of log.tail({ from: 1, signal })) {
    for (const commit of commits as readonly Commit[]) book(books, commit)
    if (books.seq >= head) return
  }
}

const clockOf = (ms: number): string => {
  const seconds = Math.round(ms / 1_000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
const figure = (value: number): string => Math.round(value).toLocaleString('en')
export const faultsText = (faults: ReadonlyMap<FaultName, number>): string =>
  [...faults].map(([name, count]) => `${count} ${name}`).join(', ') || 'none'

const tellProgress = (
  constellation: Constellation,
  books: Books,
  faults: ReadonlyMap<FaultName, number>,
  tell: (line: string) => void,
): (() => void) => {
  const startedAt = performance.now()
  let last = { at: startedAt, events: books.events }
  const timer = setInterval(() => {
    const now = performance.now()
    const rate = ((books.events - last.events) * 1_000) / (now - last.at)
    last = { at: now, events: books.events }
    const open = [...books.runs.values()].filter(isOpen).length
    const down = constellation.down().join(' ') || 'nobody'
    tell(
      `${clockOf(now - startedAt).padStart(6)}  ${figure(books.events).padStart(9)} events ` +
        `${figure(rate).padStart(6)}/s  ${figure(open)} open runs  faults: ${faultsText(faults)}  ` +
        `down: ${down}`,
    )
  }, progressMs)
  return () => clearInterval(timer)
}

/** True when it holds within the time; asks twice a second. */
const holds = async (withinMs: number, condition: () => Promise<boolean> | boolean) => {
  const endsAt = performance.now() + withinMs
  while (performance.now() < endsAt) {
    if (await Promise.resolve(condition()).catch(() => false)) return true
    await pause(500)
  }
  return false
}

/** Everybody is there again. */
const presence = async (constellation: Constellation): Promise<string[]> => {
  const { doors, apiUrl } = constellation
  const problems: string[] = []
  if (!(await holds(60_000, () => constellation.down().length === 0)))
    problems.push(`does not come back: ${constellation.down().join(' ')}`)
  const areWorkers = async () => (await doors.live.keys('worker')).length >= rooms.worker
  if (!(await holds(60_000, areWorkers))) problems.push('a worker has no heartbeat')
  const answers = async () => (await fetch(`${apiUrl}/api/v1/pipelines`)).ok
  if (!(await holds(60_000, answers))) problems.push('the API does not answer')
  return problems
}

/** `headway verify`, again while it cannot be carried out: live tables lag behind for a moment. */
const verify = async (constellation: Constellation): Promise<string> => {
  let output = ''
  await holds(120_000, async () => {
    const result = await constellation.command('verify')
    output = result.output
    return result.code === 0 && output.includes('equal')
  })
  return output
}

export const weather = async (options: Weather): Promise<Verdict> => {
  const { tell } = options
  const plan = planOf(options.assets ?? 64)
  const constellation = await startConstellation({
    pipelines,
    rooms,
    env: { HEADWAY_THREADS: '2' },
  })
  const over = new AbortController()
  const books = newBooks()
  const reading = keepBooks(constellation.doors, books, over.signal)
  try {
    await prepare(constellation.doors, plan)
    return await storm(constellation, plan, books, options)
  } finally {
    over.abort()
    await reading
    tell('stopping')
    await constellation.stop()
  }
}

const storm = async (
  constellation: Constellation,
  plan: Plan,
  books: Books,
  options: Weather,
): Promise<Verdict> => {
  const { tell, seconds, eventsPerSecond } = options
  const { doors } = constellation
  const faults = new Map<FaultName, number>()
  const signal = withDeadline(seconds * 1_000, ...(options.signal ? [options.signal] : []))
  const startedAt = performance.now()
  const eventsBefore = books.events
  const told = tellProgress(constellation, books, faults, tell)
  const due = () => ((performance.now() - startedAt) / 1_000) * eventsPerSecond * 1.02
  const isBehind = () => books.events - eventsBefore < due()
  const load = new Load(doors, plan.assets)
  const loaded = load.run(isBehind, signal)
  await rage(constellation, {
    ...options,
    signal,
    counts: faults,
    onFault: options.verbose ? tell : () => {},
  })
  const stormS = (performance.now() - startedAt) / 1_000
  const stormEvents = books.events - eventsBefore
  tell(`the storm is over after ${figure(stormS)} s; everything settles`)
  await loaded
  const problems = await presence(constellation)
  const isQuiet = () => isSettled(books, load.told, plan)
  const settled = await holds(settleMsMax, isQuiet)
  const settleMs = performance.now() - startedAt - stormS * 1_000
  if (!settled) problems.push(`not settled after ${figure(settleMs / 1_000)} s`)
  problems.push(...(await oneMore(plan, books, load)))
  told()
  tell(`settled after ${figure(settleMs / 1_000)} s; everything is checked`)
  const verified = await verify(constellation)
  if (!verified.includes('equal:')) problems.push(`verify: ${verified}`)
  const final = newBooks()
  const { seq } = await doors.log.head()
  await keepBooks(doors, final, new AbortController().signal, seq)
  problems.push(...problemsOf(final, load.told, plan))
  problems.push(...(await missingBytes(doors, final)))
  problems.push(...(await tableProblems(constellation.pgUrl, final)))
  if (problems.length > 0)
    for (const name of constellation.names)
      tell([`${name} said last:`, ...constellation.lastLines(name).slice(-8)].join('\n    '))
  return {
    problems,
    versions: load.accepted,
    refused: load.refused,
    unknown: load.told.unknown.size,
    runs: final.runs.size,
    repeated: final.repeated,
    ineffective: final.ineffective,
    events: final.events,
    eventsPerSecond: stormEvents / stormS,
    faults,
    settleMs,
    verified: verified.split('\n').find((line) => line.includes('equal')) ?? verified,
  }
}

/** Every pipeline answers once more, in calm weather. */
const oneMore = async (plan: Plan, books: Books, load: Load): Promise<string[]> => {
  const runsOf = (pipeline: string) => books.requests.get(pipeline)?.length ?? 0
  const before = new Map(plan.pipelines.map(({ pipeline }) => [pipeline, runsOf(pipeline)]))
  await load.oneMore()
  const silent = () => [...before].filter(([name, runs]) => runsOf(name) <= runs)
  const isDone = () => silent().length === 0 && isSettled(books, load.told, plan)
  if (await holds(60_000, isDone)) return []
  const names = silent().map(([name]) => name)
  return [`no answer after the storm: ${names.join(' ') || 'runs that do not end'}`]
}
