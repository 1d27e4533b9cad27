/**
 * Pipelines: what they are, which code is active, what people hold back, and where their open window
 * begins. The window itself is a question to `asset_versions`: what was recorded after `through_seq`,
 * `cancelled_seq` and `defined_seq`. A pipeline that is removed and defined again begins its window anew;
 * what people said of it (paused, steps left out) stays said.
 */
import type { Actor, PipelineDefinition } from '@headway/schemas/definitions.ts'
import type { EventOf, Recorded } from '@headway/schemas/events.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { keyedBy, recordedAt, type Fold } from './read-model.ts'

type Pipeline = Row<'pipelines'>
type StepWishes = Readonly<Record<string, { disabled: boolean; actor: Actor; at: string }>>

const rowOf = (row: Pipeline | undefined, { tenant, seq }: Recorded, pipeline: string): Pipeline =>
  row
    ? { ...row, seq }
    : {
        tenant,
        pipeline,
        definition: null,
        removed: false,
        active_version: null,
        previous_version: null,
        through_seq: 0,
        cancelled_seq: 0,
        defined_seq: 0,
        flushed: false,
        paused: false,
        paused_by: null,
        paused_at: null,
        step_wishes: {},
        disabled_steps: [],
        last_run: null,
        last_requested_at: null,
        runs: 0,
        seq,
      }

/** With the steps that the next run leaves out. */
const withSteps = (row: Pipeline): Pipeline => {
  const wishes = row.step_wishes as StepWishes
  const defined = (row.definition as PipelineDefinition | null)?.disabledSteps ?? []
  const wished = Object.keys(wishes).filter((step) => wishes[step]!.disabled)
  const left = defined.filter((step) => wishes[step]?.disabled !== false)
  return { ...row, disabled_steps: [...new Set([...left, ...wished])].sort() }
}

const stepWish = (
  before: Pipeline | undefined,
  recorded: Recorded<EventOf<'StepDisabled' | 'StepEnabled'>>,
): Pipeline => {
  const { event } = recorded
  const row = rowOf(before, recorded, event.pipeline)
  const disabled = event.type === 'StepDisabled'
  const wish = { disabled, actor: event.actor, at: recordedAt(recorded) }
  return withSteps({
    ...row,
    step_wishes: { ...(row.step_wishes as StepWishes), [event.step]: wish },
  })
}

const requested = (
  before: Pipeline | undefined,
  recorded: Recorded<EventOf<'RunRequested'>>,
): Pipeline | undefined => {
  const { event } = recorded
  if (event.canary) return before
  const row = rowOf(before, recorded, event.pipeline)
  const runs = row.runs + 1
  if (event.pinned) return { ...row, runs }
  return {
    ...row,
    through_seq: event.throughSeq,
    flushed: false,
    last_run: event.run,
    last_requested_at: recordedAt(recorded),
    runs,
  }
}

export const pipelines: Fold<'pipelines'> = {
  kind: 'fold',
  table: 'pipelines',
  version: 2,
  keys: keyedBy('pipeline'),
  evolve: {
    PipelineDefined: (before, recorded) => {
      const { seq, event } = recorded
      const row = rowOf(before, recorded, event.pipeline)
      const defined_seq = row.definition === null ? seq : row.defined_seq
      return withSteps({ ...row, definition: event.definition, removed: false, defined_seq })
    },
    PipelineRemoved: (row, { seq }) =>
      row && withSteps({ ...row, definition: null, removed: true, flushed: false, seq }),
    PipelinePaused: (before, recorded) => {
      if (before?.paused) return before
      const { actor, pipeline } = recorded.event
      const row = rowOf(before, recorded, pipeline)
      return { ...row, paused: true, paused_by: actor, paused_at: recordedAt(recorded) }
    },
    PipelineResumed: (row, { seq }) =>
      row?.paused ? { ...row, paused: false, paused_by: null, paused_at: null, seq } : row,
    StepDisabled: stepWish,
    StepEnabled: stepWish,
    WindowFlushed: (row, { seq }) => row && { ...row, flushed: true, seq },
    WindowCancelled: (row, { seq }) => row && { ...row, flushed: false, cancelled_seq: seq, seq },
    RunRequested: requested,
    ReleaseActivated: (before, recorded) => {
      const { pipeline, pipelineVersion } = recorded.event
      const row = rowOf(before, recorded, pipeline)
      if (row.active_version === pipelineVersion) return row
      return { ...row, active_version: pipelineVersion, previous_version: row.active_version }
    },
  },
}
