/**
 * The storm's own books: what the log says, folded without any of the platform's own rules, so that a
 * wrong rule cannot hide itself. Pure: the same commits give the same books.
 */
import type { VersionRef } from '@headway/schemas/definitions.ts'
import type { Event, EventOf } from '@headway/schemas/events.ts'
import type { Commit } from '@headway/schemas/ports.ts'

type RunFact = Extract<Event, { run: string; attempt: number }>
type Fence = { readonly epoch: number; readonly attempt: number }

export type RunBook = {
  readonly run: string
  readonly pipeline: string
  readonly request: EventOf<'RunRequested'>
  /** The newest epoch and attempt that was heard of. */
  fence: Fence
  /** The effective end; later ones change nothing. */
  end: EventOf<'RunCompleted' | 'RunFailed' | 'RunDeadLettered' | 'RunCancelled'> | null
  /** The run that carries its triggers over. */
  heir: string | null
  /** It had not begun when it gave way. */
  isSuperseded: boolean
  /** Versions of outputs that name this run as their origin. */
  readonly outputs: EventOf<'AssetVersioned'>[]
  /** `ArtifactPublished` of the attempt that ended the run. */
  artifacts: EventOf<'ArtifactPublished'>[]
}

export type Books = {
  events: number
  commits: number
  seq: number
  /** Asset → its versions in log order. */
  readonly versions: Map<string, VersionRef[]>
  readonly runs: Map<string, RunBook>
  /** Pipeline → its requests in log order. */
  readonly requests: Map<string, EventOf<'RunRequested'>[]>
  /** What must never be there, in words. */
  readonly wrong: string[]
  readonly counts: Map<Event['type'], number>
  /** Attempts beyond the first. */
  repeated: number
  /** Events of attempts that were overtaken or of runs that had ended. */
  ineffective: number
}

export const newBooks = (): Books => ({
  events: 0,
  commits: 0,
  seq: 0,
  versions: new Map(),
  runs: new Map(),
  requests: new Map(),
  wrong: [],
  counts: new Map(),
  repeated: 0,
  ineffective: 0,
})

const push = <K, V>(map: Map<K, V[]>, key: K, value: V): void => {
  const list = map.get(key)
  if (list) list.push(value)
  else map.set(key, [value])
}

const refOf = (event: EventOf<'AssetVersioned'>): VersionRef => ({
  asset: event.asset,
  version: event.version,
  ordinal: event.ordinal,
  digest: event.renditions[0]!.digest,
  sizeBytes: event.sizeBytes,
  kind: event.kind,
})

const isNewer = (a: Fence, b: Fence): boolean =>
  a.epoch > b.epoch || (a.epoch === b.epoch && a.attempt > b.attempt)

const note = (books: Books, event: RunFact): void => {
  const run = books.runs.get(event.run)
  if (!run) return void books.wrong.push(`${event.type} of run ${event.run}, never requested`)
  const fence = { epoch: event.epoch ?? 0, attempt: event.attempt }
  if (event.type === 'RunStarted' && event.attempt > 1) books.repeated++
  if (!isOpen(run) || isNewer(run.fence, fence)) return void books.ineffective++
  if (isNewer(fence, run.fence)) run.artifacts = []
  run.fence = fence
  switch (event.type) {
    case 'ArtifactPublished':
      run.artifacts.push(event)
      break
    case 'RunCompleted':
    case 'RunFailed':
    case 'RunDeadLettered':
    case 'RunCancelled':
      run.end = event
      break
    default:
  }
}

const enter = (books: Books, event: Event): void => {
  books.events++
  books.counts.set(event.type, (books.counts.get(event.type) ?? 0) + 1)
  switch (event.type) {
    case 'AssetVersioned':
      push(books.versions, event.asset, refOf(event))
      if (event.origin.by === 'run') books.runs.get(event.origin.run)?.outputs.push(event)
      return
    case 'RunRequested': {
      push(books.requests, event.pipeline, event)
      const { run, pipeline } = event
      if (books.runs.has(run)) return void books.wrong.push(`run ${run} was requested twice`)
      const fence = { epoch: 0, attempt: 0 }
      const book = { run, pipeline, request: event, fence, end: null, heir: null }
      books.runs.set(run, { ...book, isSuperseded: false, outputs: [], artifacts: [] })
      return
    }
    case 'RunSuperseded': {
      const run = books.runs.get(event.run)
      if (!run || run.heir) return void books.wrong.push(`run ${event.run} cannot give way`)
      run.heir = event.by
      // Who has begun meanwhile is not held back: it ends as if nobody had said anything.
      run.isSuperseded = run.end === null && run.fence.attempt === 0
      return
    }
    case 'CommandRefused':
      return void books.wrong.push(`a command was refused: ${event.problem}`)
    default:
      if ('attempt' in event && 'run' in event) note(books, event)
  }
}

/** Takes in one commit. */
export const book = (books: Books, commit: Commit): void => {
  if (commit.seq <= books.seq) books.wrong.push(`commit ${commit.seq} came after ${books.seq}`)
  if (commit.problem !== undefined) books.wrong.push(`commit ${commit.seq}: ${commit.problem}`)
  books.seq = commit.seq
  books.commits++
  for (const event of commit.events) enter(books, event)
}

export const isOpen = (run: RunBook): boolean => run.end === null && !run.isSuperseded
