/** Workers, and commands that no room can read. */
import { Type } from 'typebox'
import { Actor, Count, Name, PipelineVersion, Text, Time } from '../definitions.ts'
import { event } from './event.ts'

export const workerEvents = {
  WorkerJoined: event('WorkerJoined', {
    worker: Type.String(),
    pool: Name,
    version: PipelineVersion,
    pipelines: Type.Record(Name, PipelineVersion),
    /** Older versions that it serves while runs are pinned to them. */
    alsoServes: Type.Optional(Type.Record(Name, Type.Array(PipelineVersion))),
    capabilities: Type.Array(Type.String()),
    host: Type.String(),
    pid: Type.Integer(),
  }),
  WorkerLeft: event('WorkerLeft', { worker: Type.String(), pool: Name, reason: Text }),
  /** Somebody wants it to take nothing new; it finishes what it holds. Joining again ends that. */
  WorkerDrainRequested: event('WorkerDrainRequested', {
    worker: Type.String(),
    pool: Name,
    actor: Actor,
  }),
  WorkerResumeRequested: event('WorkerResumeRequested', {
    worker: Type.String(),
    pool: Name,
    actor: Actor,
  }),
  /** Its heartbeats ended without a word. */
  WorkerLost: event('WorkerLost', {
    worker: Type.String(),
    pool: Name,
    lastSeenAt: Type.Optional(Time),
  }),
  CommandRefused: event('CommandRefused', {
    queue: Type.Enum(['run', 'due', 'fetch', 'resolve', 'drift']),
    about: Text,
    problem: Text,
    deliveries: Count,
    /** The first bytes of the message, base64. */
    sample: Type.String({ maxLength: 1_400 }),
  }),
} as const
