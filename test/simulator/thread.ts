/**
 * One thread's share of the histories, each in a turn of its own: a promise that nobody handles is then
 * the fault of the history before it. The bundle that runs here may hold a planted bug.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { runHistory, type Result } from './history.ts'
import { shrink } from './shrink.ts'
import { useLightSignals } from './signals.ts'

export type Share = {
  readonly from: number
  readonly to: number
  readonly stride: number
  /** Each history twice, to see that it is the same. */
  readonly twice?: boolean
  /** Cut the faults of the first history that fails down to what matters. */
  readonly shrinks?: boolean
  /** Tell the story of the first one. */
  readonly told?: 'events' | 'effects'
}
export type Progress = {
  readonly histories: number
  readonly steps: number
  readonly struck: Readonly<Record<string, number>>
}
export type Word =
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'problem'; readonly result: Result }
  | { readonly type: 'told'; readonly result: Result }
  | { readonly type: 'done' }

const tellEvery = 250
const share = workerData as Share
const say = (word: Word): void => parentPort!.postMessage(word)

useLightSignals()
Error.stackTraceLimit = share.told ? 10 : 0

let histories = 0
let steps = 0
let struck: Record<string, number> = {}
const tellProgress = (): void => {
  say({ type: 'progress', progress: { histories, steps, struck } })
  histories = 0
  steps = 0
  struck = {}
}

const isOther = (result: Result): boolean => runHistory(result.seed).hash !== result.hash

const conclude = (result: Result): void => {
  tellProgress()
  const word = share.shrinks ? shrink(result) : result
  say({ type: 'problem', result: word })
  say({ type: 'done' })
}

let current: Result | null = null
let isOver = false
process.on('unhandledRejection', (error) => {
  if (isOver || !current) return
  isOver = true
  conclude({ ...current, problem: `[I16] nobody handles: ${String(error)}` })
})

const next = (seed: number): void => {
  if (isOver) return
  if (seed >= share.to) {
    tellProgress()
    return say({ type: 'done' })
  }
  const result = runHistory(seed, share.told ? { told: share.told } : {})
  current = result
  histories++
  steps += result.steps
  for (const [kind, count] of Object.entries(result.struck))
    struck[kind] = (struck[kind] ?? 0) + count
  if (share.told) say({ type: 'told', result })
  const problem =
    result.problem ?? (share.twice && isOther(result) ? '[determinism] another history' : null)
  if (problem !== null) {
    isOver = true
    return conclude({ ...result, problem })
  }
  if (histories >= tellEvery) tellProgress()
  setImmediate(next, seed + share.stride)
}
setImmediate(next, share.from)
