/** The shape of a task in answers: every rule and environment it was for, and what became of each. */
import { Type, type Static } from 'typebox'
import { ErrorShape, Nullable, Seq, Time } from './shapes.ts'

export const taskStatuses = ['pending', 'running', 'succeeded', 'failed', 'ignored'] as const
export type TaskStatus = (typeof taskStatuses)[number]

const Text = Type.String()
const Count = Nullable(Type.Integer())
export const SinkShape = Type.Object({
  sink: Text,
  environment: Text,
  status: Text,
  mode: Nullable(Text),
  written: Count,
  deleted: Count,
  unchanged: Count,
  protected: Count,
  protectedKeys: Type.Optional(Type.Array(Text)),
  wouldWrite: Type.Optional(Type.Array(Text)),
  wouldDelete: Type.Optional(Type.Array(Text)),
  error: Nullable(ErrorShape),
})
const TargetShape = Type.Object({
  rule: Text,
  environment: Text,
  outcome: Text,
  reason: Nullable(Text),
  asset: Nullable(Text),
  pipeline: Nullable(Text),
  version: Nullable(Text),
  run: Nullable(Text),
  runStatus: Nullable(Text),
  error: Nullable(ErrorShape),
  sinks: Type.Array(SinkShape),
  files: Type.Optional(Type.Array(Type.Object({ path: Text, status: Text }))),
})
export const TaskShape = Type.Object({
  id: Text,
  status: Type.Enum([...taskStatuses]),
  source: Text,
  delivery: Text,
  event: Text,
  repository: Text,
  ref: Text,
  commit: Nullable(Text),
  pullRequest: Nullable(Type.Integer()),
  actor: Text,
  reason: Nullable(Text),
  dryRun: Type.Boolean(),
  receivedAt: Time,
  resolvedAt: Nullable(Time),
  note: Nullable(Type.String({ description: 'why it is for no rule' })),
  targets: Type.Array(TargetShape),
  seq: Seq,
})
export type Task = Static<typeof TaskShape>
export type ShownTarget = Static<typeof TargetShape>
