/** Short names for the answers that the console reads, as the API itself describes them. */
import type { AnswerOf, OperationName } from '@headway/client/client.ts'

export type RowOf<N extends OperationName> = AnswerOf<N> extends readonly (infer R)[] ? R : never

export type RunSummary = RowOf<'GET /api/v1/runs'>
export type Run = AnswerOf<'GET /api/v1/runs/{id}'>
export type Step = Run['steps'][number]
export type Finding = Step['findings'][number]
export type VersionRef = Run['triggeredBy'][number]
export type Why = AnswerOf<'GET /api/v1/runs/{id}/why'>
export type ChosenRuns = AnswerOf<'POST /api/v1/runs/redrive'>

export type Asset = AnswerOf<'GET /api/v1/assets/{key}'>
export type Version = RowOf<'GET /api/v1/assets/{key}/versions'>
export type Rendition = Version['renditions'][number]
export type Difference =
  AnswerOf<'GET /api/v1/assets/{key}/versions/{version}/difference'>['difference']

export type Pipeline = RowOf<'GET /api/v1/pipelines'>
export type DebounceWindow = RowOf<'GET /api/v1/windows'>
export type Dag = AnswerOf<'GET /api/v1/pipelines/{id}/dag'>
export type Release = RowOf<'GET /api/v1/releases'>

export type DeadLetter = RowOf<'GET /api/v1/dead-letters'>
export type RedrivePlan = AnswerOf<'POST /api/v1/dead-letters/redrive'>
export type Interaction = RowOf<'GET /api/v1/interactions'>
export type Worker = RowOf<'GET /api/v1/workers'>
export type Session = AnswerOf<'GET /api/v1/session'>
export type Status = AnswerOf<'GET /api/v1/status'>
export type Commit = RowOf<'GET /api/v1/log'>

export type Task = RowOf<'GET /api/v1/tasks'>
export type ValueChange = RowOf<'GET /api/v1/config/log'>
export type Shown = ValueChange['value']
export type ConfigDifference = RowOf<'GET /api/v1/config/diff'>
export type Drift = RowOf<'GET /api/v1/drift'>
export type Sink = RowOf<'GET /api/v1/sinks'>
