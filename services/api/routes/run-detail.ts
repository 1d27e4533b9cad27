/** One run as it is shown, the same shape whatever its cadence and however often it was done again. */
import { Type, type Static } from 'typebox'
import type {
  Actor,
  ErrorInfo,
  FindingRecord,
  PipelineDefinition,
  RenditionRef,
  VersionRef,
} from '@headway/schemas/definitions.ts'
import { isEnded } from '@headway/schemas/run.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { base } from '../api.ts'
import { ActorShape, ErrorShape, Nullable, Seq, Time, VersionRefShape } from '../shapes.ts'
import { presentSummary, summaryFields } from './run-summary.ts'
import type { FoundRun } from './run.ts'

const Finding = Type.Object({
  code: Type.String(),
  severity: Type.String(),
  message: Type.String(),
  subject: Type.Optional(Type.Record(Type.String(), Type.String())),
  count: Type.Integer(),
})
const fence = { epoch: Type.Integer(), attempt: Type.Integer() }
const Step = Type.Object({
  id: Type.String(),
  index: Type.Integer(),
  ...fence,
  status: Type.String({ description: 'pending, waiting, succeeded, failed or skipped' }),
  reason: Nullable(Type.String({ description: 'of skipped ones; `reused` was made before' })),
  reusedFrom: Nullable(Type.Object({ ...fence, sizeBytes: Type.Integer() })),
  startedAt: Nullable(Time),
  endedAt: Nullable(Time),
  durationMs: Nullable(Type.Number()),
  rowsIn: Nullable(Type.Integer()),
  rowsOut: Nullable(Type.Integer()),
  findings: Type.Array(Finding),
  logs: Type.Array(Type.String()),
  error: Nullable(ErrorShape),
})
type Step = Static<typeof Step>
export const RenditionShape = Type.Object({
  name: Type.String(),
  mediaType: Type.String(),
  digest: Type.String(),
  sizeBytes: Type.Integer(),
  href: Type.String(),
})
const Artifact = Type.Object({
  output: Type.String(),
  asset: Type.String(),
  version: Type.String(),
  ordinal: Type.Integer(),
  changed: Type.Boolean(),
  sizeBytes: Type.Integer(),
  ...fence,
  renditions: Type.Array(RenditionShape),
})
export const ErrorEntry = Type.Object({
  ...fence,
  outcome: Type.String({ description: 'retried, failed, dead_lettered or cancelled' }),
  type: Type.String(),
  message: Type.String(),
  fingerprint: Type.String({ description: 'the same for errors that differ in particulars only' }),
  nextAttemptAt: Nullable(Time),
  recordedAt: Time,
  seq: Seq,
})
const Asked = Type.Object({
  id: Type.String(),
  step: Type.String(),
  status: Type.String(),
  assignee: Nullable(Type.String()),
  group: Nullable(Type.String()),
  deadlineAt: Time,
  href: Type.String(),
})
const Again = Type.Object({
  id: Type.String({ description: 'the redrive' }),
  epoch: Nullable(Type.Integer({ description: 'the one it began; null while it waits' })),
  actor: ActorShape,
  redrivenAt: Nullable(Time),
})
export const RunShape = Type.Object({
  ...summaryFields,
  attemptsMax: Nullable(Type.Integer()),
  inputs: Type.Record(Type.String(), VersionRefShape),
  ownInputs: Type.Record(Type.String(), VersionRefShape),
  triggeredBy: Type.Array(VersionRefShape),
  carriedOver: Type.Array(VersionRefShape, { description: 'from runs that gave way to it' }),
  disabledSteps: Type.Array(Type.String()),
  cancelRequestedBy: Nullable(ActorShape),
  cancelledBy: Nullable(ActorShape),
  redrivenBy: Nullable(ActorShape),
  steps: Type.Array(Step),
  earlierAttempts: Type.Array(Type.Object({ ...fence, steps: Type.Array(Step) })),
  errors: Type.Array(ErrorEntry, { description: 'of every epoch and attempt, oldest first' }),
  questions: Type.Array(Asked),
  redriveHistory: Type.Array(Again),
  artifacts: Type.Array(Artifact),
})
export type Run = Static<typeof RunShape>

export const presentRenditions = (asset: string, version: string, renditions: unknown) =>
  (renditions as RenditionRef[]).map((rendition) => ({
    ...rendition,
    href:
      `${base}/assets/${asset}/versions/${version}/content` +
      `?rendition=${encodeURIComponent(rendition.name)}`,
  }))

export const presentError = (row: Row<'run_errors'>): Static<typeof ErrorEntry> => ({
  epoch: row.epoch,
  attempt: row.attempt,
  outcome: row.outcome,
  type: row.type,
  message: row.message,
  fingerprint: row.fingerprint,
  nextAttemptAt: row.next_attempt_at,
  recordedAt: row.recorded_at,
  seq: row.seq,
})

const presentStep = (row: Row<'steps'>, outputs: FoundRun['outputs']): Step => {
  const made =
    row.reason === 'reused' ? outputs.find((output) => output.step === row.step) : undefined
  return {
    id: row.step,
    index: row.index,
    epoch: row.epoch,
    attempt: row.attempt,
    status: row.status,
    reason: row.reason,
    reusedFrom: made
      ? { epoch: made.epoch, attempt: made.attempt, sizeBytes: made.size_bytes }
      : null,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    durationMs: row.duration_ms,
    rowsIn: row.rows_in,
    rowsOut: row.rows_out,
    findings: row.findings as FindingRecord[],
    logs: row.logs as string[],
    error: row.error as ErrorInfo | null,
  }
}

type Fence = { readonly epoch: number; readonly attempt: number }
const isOf = (a: Fence, b: Fence): boolean => a.epoch === b.epoch && a.attempt === b.attempt

/** A step that the log has not told of yet. */
const untold = (id: string, index: number, { epoch, attempt }: Fence, status: string): Step => ({
  id,
  index,
  epoch,
  attempt,
  status,
  reason: null,
  reusedFrom: null,
  startedAt: null,
  endedAt: null,
  durationMs: null,
  rowsIn: null,
  rowsOut: null,
  findings: [],
  logs: [],
  error: null,
})

/** The steps of the newest attempt, with those that it has not come to. */
const stepsOf = ({ run, release, questions }: FoundRun, told: readonly Step[]): Step[] => {
  const steps = told.filter((step) => isOf(step, run))
  if (isEnded(run.status)) return steps
  const asking = new Set(
    questions.filter(({ status }) => status === 'waiting').map(({ step }) => step),
  )
  ;((release?.steps ?? []) as { id: string }[]).forEach(({ id }, index) => {
    if (!steps.some((step) => step.id === id))
      steps.push(untold(id, index, run, asking.has(id) ? 'waiting' : 'pending'))
  })
  return steps.toSorted((a, b) => a.index - b.index)
}

const earlierOf = (run: Fence, told: readonly Step[]): Run['earlierAttempts'] => {
  const fences = new Map(
    told
      .filter((step) => !isOf(step, run))
      .map(({ epoch, attempt }) => [`${epoch}.${attempt}`, { epoch, attempt }]),
  )
  return [...fences.values()].map((one) => ({
    ...one,
    steps: told.filter((step) => isOf(step, one)),
  }))
}

type Refs = Record<string, VersionRef>

export const presentRun = (found: FoundRun): Run => {
  const { run, pipeline } = found
  const told = found.steps.map((row) => presentStep(row, found.outputs))
  return {
    ...presentSummary(run),
    attemptsMax: (pipeline?.definition as PipelineDefinition | null)?.retry.attempts ?? null,
    inputs: run.inputs as Refs,
    ownInputs: (run.own_inputs ?? {}) as Refs,
    triggeredBy: run.triggered_by as VersionRef[],
    carriedOver: run.carried_over as VersionRef[],
    disabledSteps: run.disabled_steps as string[],
    cancelRequestedBy: run.cancel_requested_by as Actor | null,
    cancelledBy: run.cancelled_by as Actor | null,
    redrivenBy: run.redriven_by as Actor | null,
    steps: stepsOf(found, told),
    earlierAttempts: earlierOf(run, told),
    errors: found.errors.map(presentError),
    questions: found.questions.map((row) => ({
      id: row.interaction,
      step: row.step,
      status: row.status,
      assignee: row.assignee,
      group: row.group,
      deadlineAt: row.deadline_at,
      href: `${base}/interactions/${row.interaction}`,
    })),
    redriveHistory: found.redrives.map((row) => ({
      id: row.redrive,
      epoch: row.epoch,
      actor: row.actor as Actor,
      redrivenAt: row.redriven_at,
    })),
    artifacts: found.artifacts.map((row) => ({
      output: row.output,
      asset: row.asset,
      version: row.version,
      ordinal: row.ordinal,
      changed: row.changed,
      sizeBytes: row.size_bytes,
      epoch: row.epoch,
      attempt: row.attempt,
      renditions: presentRenditions(row.asset, row.version, row.renditions),
    })),
  }
}
