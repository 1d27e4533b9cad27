/**
 * Commands ask a room to act. They live in a work queue until done and are never of record: each can
 * be told again from the log, and doing one twice must equal doing it once.
 */
import { Type, type Static } from 'typebox'
import { assetKeyPattern, namePattern } from './ids.ts'
import { PipelineVersion, Ulid } from './definitions.ts'
import { schemas as events } from './events.ts'

const AssetKey = Type.String({ pattern: assetKeyPattern })
const Name = Type.String({ pattern: namePattern })

export const schemas = {
  /** Look at the source now. `full` asks without validators, because a 304 can lie. */
  FetchAsset: Type.Object({
    type: Type.Literal('FetchAsset'),
    asset: AssetKey,
    full: Type.Boolean(),
  }),
  /** Find out what a push means, and record it. Read on the source, whatever this says. */
  ResolvePush: Type.Object({
    type: Type.Literal('ResolvePush'),
    source: Name,
    task: Ulid,
  }),
  /** Look at the refs of the source's repositories. */
  PollSource: Type.Object({ type: Type.Literal('PollSource'), source: Name }),
  /** Compare the sinks of a rule with what was put there. Taken by workers of the pool. */
  CheckDrift: Type.Object({
    type: Type.Literal('CheckDrift'),
    pool: Name,
    pipeline: Name,
    rule: Name,
    repository: Type.String(),
    environment: Type.String(),
  }),
  /** The window may be due: catch up with the log and decide. Never carries what changed. */
  CloseWindow: Type.Object({ type: Type.Literal('CloseWindow'), pipeline: Name }),
  /** Execute a requested run. */
  RunPipeline: Type.Object({
    type: Type.Literal('RunPipeline'),
    request: events.RunRequested,
    /** Made in this epoch before this message existed. */
    priorAttempts: Type.Integer({ minimum: 0 }),
    /** The pipeline's subject as the sender knew it: who knows less reads on before judging. */
    seq: Type.Integer({ minimum: 0 }),
    epoch: Type.Integer({ minimum: 0 }),
    /** The version to run on, when it is not the one that was asked for first. */
    pipelineVersion: Type.Optional(PipelineVersion),
    /** Outputs of steps recorded in this epoch and in later ones need not be made again. */
    reuseFrom: Type.Integer({ minimum: 0 }),
    /** Step → what was answered to its question. */
    answers: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  }),
} as const

export type CommandType = keyof typeof schemas
type Shapes = { [T in CommandType]: Static<(typeof schemas)[T]> }
export type CommandOf<T extends CommandType> = Shapes[T]
export type Command = Shapes[CommandType]
