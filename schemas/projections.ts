/**
 * What the projector and the API tell each other about the read models' tables. That somebody asked is a
 * fact of the log; the rest is none, for the tables only mirror it. Asked for as a service over NATS; told
 * as volatile facts.
 */
import { Type, type Static } from 'typebox'
import { Check } from 'typebox/value'
import type { Actor } from './definitions.ts'

/** What people may have done with the copy of the tables, see the projector's `rebuild.ts`. */
export const projectionActions = ['rebuild', 'compare', 'swap', 'drop'] as const
export type ProjectionAction = (typeof projectionActions)[number]

export const projectionService = 'Projections'
export const ProjectionWish = Type.Object({
  action: Type.Enum([...projectionActions]),
  actor: Type.Object({ name: Type.String(), reason: Type.Optional(Type.String()) }),
})
export type ProjectionWish = Static<typeof ProjectionWish>
export const ProjectionAccepted = Type.Object({ status: Type.Literal('accepted') })
export const isProjectionWish = (value: unknown): value is ProjectionWish =>
  Check(ProjectionWish, value)

export const pulseKey = 'projection/pulse'
/** How much a projector wrote lately. */
export type Pulse = {
  readonly at: number
  readonly eventsPerSecond: number
  /** Group of tables → rows a second. */
  readonly rowsPerSecond: Readonly<Record<string, number>>
}

export const workKey = 'projection/work'
/** A row that is not the same in both sets of tables, and the columns where it is not. */
export type RowDifference = {
  readonly table: string
  readonly key: string
  readonly tenant: string
  readonly in: 'both' | 'live' | 'copy'
  readonly columns: readonly {
    readonly name: string
    readonly live: string
    readonly copy: string
  }[]
}
export type ComparisonReport = {
  readonly equal: boolean
  readonly seq: number
  readonly tables: number
  readonly rows: number
  /** Table → rows that differ; null: its columns are others. */
  readonly differing: Readonly<Record<string, number | null>>
  readonly differences: readonly RowDifference[]
}
/** What is being done with the copy, or was done last. */
export type ProjectionWork = {
  readonly action: ProjectionAction
  readonly actor: Actor
  readonly startedAt: number
  /** When this was told; what is under way is told again and again. */
  readonly at: number
  readonly status: 'running' | 'done' | 'failed'
  readonly phase: string
  readonly done: number
  readonly total: number
  readonly eventsPerSecond: number
  readonly etaMs: number | null
  readonly problem?: string
  readonly comparison?: ComparisonReport
}
