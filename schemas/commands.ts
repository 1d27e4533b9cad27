/**
 * Commands ask a room to act. They live in a work queue until done and are never of record: each can
 * be told again from the log, and doing one twice must equal doing it once.
 */
import { Type, type Static } from 'typebox'
import { assetKeyPattern, namePattern } from './ids.ts'
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
  /** The window may be due: catch up with the log and decide. Never carries what changed. */
  CloseWindow: Type.Object({ type: Type.Literal('CloseWindow'), pipeline: Name }),
  /** Execute a requested run. `priorAttempts` counts those made before this message existed. */
  RunPipeline: Type.Object({
    type: Type.Literal('RunPipeline'),
    request: events.RunRequested,
    priorAttempts: Type.Integer({ minimum: 0 }),
  }),
} as const

export type CommandType = keyof typeof schemas
type Shapes = { [T in CommandType]: Static<(typeof schemas)[T]> }
export type CommandOf<T extends CommandType> = Shapes[T]
export type Command = Shapes[CommandType]
