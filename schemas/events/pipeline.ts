/** Decisions about a pipeline and its runs, and the wishes of people that lead to them. */
import { Type } from 'typebox'
import {
  Actor,
  Count,
  Digest,
  Name,
  PipelineDefinition,
  PipelineVersion,
  SyncWish,
  Time,
  Ulid,
  VersionRef,
  runReasons,
  Text,
} from '../definitions.ts'
import { event } from './event.ts'

export const pipelineEvents = {
  PipelineDefined: event('PipelineDefined', { pipeline: Name, definition: PipelineDefinition }),
  PipelineRemoved: event('PipelineRemoved', { pipeline: Name, reason: Type.Optional(Text) }),
  RunTriggered: event('RunTriggered', {
    pipeline: Name,
    request: Ulid,
    actor: Actor,
    /** Digest of the asker's idempotency key; `request` follows from it. */
    key: Type.Optional(Digest),
    /** Digest of what was asked for: the same key with another one is an error. */
    payload: Type.Optional(Digest),
    /** Slot name → the version to use instead of the newest. Such a run leaves the window alone. */
    inputs: Type.Optional(Type.Record(Type.String(), VersionRef)),
    /** Such a run leaves the window alone too, and runs in its turn: after what came before it. */
    sync: Type.Optional(SyncWish),
    /** What it is for, when it is not just wanted. */
    reason: Type.Optional(Type.Enum(['rollback', 'drift'])),
  }),
  WindowFlushed: event('WindowFlushed', { pipeline: Name, actor: Actor }),
  WindowCancelled: event('WindowCancelled', { pipeline: Name, actor: Actor }),
  RunRequested: event('RunRequested', {
    pipeline: Name,
    run: Ulid,
    pipelineVersion: PipelineVersion,
    reason: Type.Enum([...runReasons]),
    actor: Type.Optional(Actor),
    /** Slot name → the version it is pinned to. */
    inputs: Type.Record(Type.String(), VersionRef),
    /** Every version of the window, in log order. */
    triggeredBy: Type.Array(VersionRef),
    /** The window reached from the previous request's position to this one (stream sequence). */
    throughSeq: Count,
    windowOpenedAt: Type.Optional(Time),
    disabledSteps: Type.Optional(Type.Array(Type.String())),
    /** Versions of the windows of the runs that this one supersedes, in log order. */
    carriedOver: Type.Optional(Type.Array(VersionRef)),
    /** The run was asked for with inputs of its own, or is a wished sync: it leaves the window alone. */
    pinned: Type.Optional(Type.Boolean()),
    sync: Type.Optional(SyncWish),
    /** The run only compares: what it makes is held against the artifacts of run `of`. */
    canary: Type.Optional(
      Type.Object({
        canary: Ulid,
        of: Ulid,
        /** What run `of` did is told after this stream sequence. */
        since: Count,
      }),
    ),
  }),
  /** A run that had not started gave way to a newer one, which carries its triggers over. */
  RunSuperseded: event('RunSuperseded', { pipeline: Name, run: Ulid, by: Ulid }),
  CancelRequested: event('CancelRequested', { pipeline: Name, run: Ulid, actor: Actor }),
  PipelinePaused: event('PipelinePaused', { pipeline: Name, actor: Actor }),
  PipelineResumed: event('PipelineResumed', { pipeline: Name, actor: Actor }),
  StepDisabled: event('StepDisabled', { pipeline: Name, step: Type.String(), actor: Actor }),
  StepEnabled: event('StepEnabled', { pipeline: Name, step: Type.String(), actor: Actor }),
  /** Somebody wants runs that ended badly to be done again, in this order. */
  RedriveRequested: event('RedriveRequested', {
    pipeline: Name,
    redrive: Ulid,
    runs: Type.Array(Ulid, { minItems: 1, maxItems: 10_000 }),
    /** Another version than the one they were pinned to. */
    pipelineVersion: Type.Optional(PipelineVersion),
    /** Forget recorded outputs and begin with the first step. */
    startOver: Type.Boolean(),
    perMinute: Type.Optional(Type.Integer({ minimum: 1 })),
    /** Stop after so many of them ended badly again. */
    failuresMax: Type.Optional(Type.Integer({ minimum: 1 })),
    actor: Actor,
  }),
  RunRedriven: event('RunRedriven', {
    pipeline: Name,
    run: Ulid,
    epoch: Type.Integer({ minimum: 1 }),
    redrive: Ulid,
    pipelineVersion: PipelineVersion,
    startOver: Type.Boolean(),
    actor: Actor,
  }),
  RedriveEnded: event('RedriveEnded', {
    pipeline: Name,
    redrive: Ulid,
    outcome: Type.Enum(['done', 'stopped']),
    redriven: Count,
    passedOver: Count,
    failed: Count,
  }),
  /** Every question of a suspended run is answered: it goes on. */
  RunResumed: event('RunResumed', {
    pipeline: Name,
    run: Ulid,
    epoch: Type.Integer({ minimum: 1 }),
    pipelineVersion: PipelineVersion,
    interactions: Type.Array(Ulid),
  }),
  CanaryStarted: event('CanaryStarted', {
    pipeline: Name,
    canary: Ulid,
    pipelineVersion: PipelineVersion,
    /** How many runs of the active version to repeat: the newest completed one and those that follow. */
    runs: Type.Integer({ minimum: 1 }),
    actor: Actor,
  }),
  CanaryStopped: event('CanaryStopped', { pipeline: Name, canary: Ulid, actor: Actor }),
} as const
