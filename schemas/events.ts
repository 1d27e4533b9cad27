/**
 * Every fact Headway knows. These names and fields are the storage format: they are added to, never
 * edited. A changed shape is a new `v` beside the old one, whose golden bytes stay.
 *
 * A new one is an entry in the file below `events/` that is about the same thing.
 *
 * An event belongs to the thing it is about, named by its subject; within a tenant nothing else says
 * where it goes. `at` is the writer's clock and only for people: decisions use the moment the log
 * recorded (`Recorded.at`), which one server's clock gives for all.
 */
import type { Static } from 'typebox'
import { assetEvents } from './events/asset.ts'
import { pipelineEvents } from './events/pipeline.ts'
import { projectionEvents } from './events/projection.ts'
import { releaseEvents } from './events/release.ts'
import { ruleEvents } from './events/rule.ts'
import { runEvents } from './events/run.ts'
import { sinkEvents } from './events/sink.ts'
import { sourceEvents } from './events/source.ts'
import { tokenEvents } from './events/token.ts'
import { workerEvents } from './events/worker.ts'

export const schemas = {
  ...assetEvents,
  ...pipelineEvents,
  ...runEvents,
  ...releaseEvents,
  ...workerEvents,
  ...sourceEvents,
  ...ruleEvents,
  ...sinkEvents,
  ...tokenEvents,
  ...projectionEvents,
} as const

export type EventType = keyof typeof schemas
type Shapes = { [T in EventType]: Static<(typeof schemas)[T]> }
export type EventOf<T extends EventType> = Shapes[T]
export type Event = Shapes[EventType]

/** Position in the log: the commit's stream sequence and the event's place in the commit. */
export type Position = { readonly seq: number; readonly index: number }

/** An event as the log keeps it. */
export type Recorded<E extends Event = Event> = {
  readonly tenant: string
  readonly seq: number
  readonly index: number
  /** When the log recorded it, milliseconds since 1970 UTC by the server's clock. */
  readonly at: number
  readonly event: E
}
