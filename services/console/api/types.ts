/** Short names for the answers that the console reads, as the API itself describes them. */
import type { AnswerOf, OperationName } from '../client/client.ts'

export type RowOf<N extends OperationName> = AnswerOf<N> extends readonly (infer R)[] ? R : never

export type RunSummary = RowOf<'GET /api/v1/runs'>
export type Run = AnswerOf<'GET /api/v1/runs/{id}'>
export type Step = Run['steps'][number]
export type Finding = Step['findings'][number]
export type VersionRef = Run['triggeredBy'][number]
export type Why = AnswerOf<'GET /api/v1/runs/{id}/why'>

export type Asset = AnswerOf<'GET /api/v1/assets/{key}'>
export type Version = Omit<RowOf<'GET /api/v1/assets/{key}/versions'>, 'origin'> & {
  readonly origin: { readonly by: string; readonly url?: string }
}
export type Rendition = Version['renditions'][number]

export type Pipeline = RowOf<'GET /api/v1/pipelines'>
export type DebounceWindow = RowOf<'GET /api/v1/windows'>
type Graph = AnswerOf<'GET /api/v1/pipelines/{id}/dag'>
export type Dag = Omit<Graph, 'nodes'> & {
  readonly nodes: readonly (Omit<Graph['nodes'][number], 'data'> & {
    readonly data: {
      readonly label: string
      readonly description?: string
      readonly asset?: string
      readonly disabled?: boolean
    }
  })[]
}
export type Release = RowOf<'GET /api/v1/releases'>
export type Activation = RowOf<'GET /api/v1/pipelines/{id}/activations'>
export type Canary = RowOf<'GET /api/v1/pipelines/{id}/canaries'>

export type DeadLetter = RowOf<'GET /api/v1/dead-letters'>
export type RedrivePlan = AnswerOf<'POST /api/v1/dead-letters/redrive'>
export type Redrive = RowOf<'GET /api/v1/redrives'>
export type Interaction = RowOf<'GET /api/v1/interactions'>
export type Worker = RowOf<'GET /api/v1/workers'>
export type Session = AnswerOf<'GET /api/v1/session'>
export type Status = AnswerOf<'GET /api/v1/status'>
export type Health = AnswerOf<'GET /health/deep'>

export type LogEvent = Readonly<Record<string, unknown>> & { readonly type: string }
export type Commit = Omit<RowOf<'GET /api/v1/log'>, 'events'> & {
  readonly events: readonly LogEvent[]
}
