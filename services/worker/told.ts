import type { Event } from '@headway/schemas/events.ts'
import { toTimestamp } from '@headway/schemas/ids.ts'
import type { fenceOf } from './decider.ts'
import type { Progress } from './executor.ts'
import { inlineOf } from './recorded.ts'

const timed = <Report extends { readonly startedAt: number; readonly endedAt: number }>(
  report: Report,
) => ({
  ...report,
  startedAt: toTimestamp(report.startedAt),
  endedAt: toTimestamp(report.endedAt),
})

/** What the log is told of a run's progress; null for what only the worker needs to know. */
export const toldOf = (progress: Progress, fence: ReturnType<typeof fenceOf>): Event | null => {
  switch (progress.type) {
    case 'skipped':
      return { ...progress, ...fence, type: 'StepSkipped' }
    case 'succeeded': {
      const { inline } = progress
      const output = inline ? { output: inlineOf(inline) } : {}
      return { ...timed(progress.report), ...fence, type: 'StepSucceeded', ...output }
    }
    case 'failed': {
      const { rowsOut: _, ...report } = timed(progress.report)
      const { type, message } = progress.error
      return { ...report, ...fence, type: 'StepFailed', error: { type, message } }
    }
    default:
      return null
  }
}
