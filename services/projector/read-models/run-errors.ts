/**
 * Everything that ever went wrong with a run, attempt by attempt, and who ended it. The fingerprint puts
 * errors together that differ only in what they are about: one broken source gives one group, however
 * many runs it breaks.
 */
import type { EventOf, Recorded } from '@headway/schemas/events.ts'
import { sha256 } from '@headway/schemas/ids.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { fenceOf, moment, placeOf, recordedAt, type Fact } from './read-model.ts'

const charactersMax = 300

/** Ids, digests, numbers and whatever is quoted. */
const particulars = [
  /\b[0-9A-HJKMNP-TV-Z]{26}\b/g,
  /\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b/gi,
  /'[^']*'|"[^"]*"|`[^`]*`/g,
  /\d+(?:[.,:]\d+)*/g,
]

export const fingerprintOf = (type: string, message: string): string => {
  const begin = message.slice(0, charactersMax)
  const general = particulars.reduce((text, one) => text.replace(one, '#'), begin)
  return sha256(`${type}\n${general}`).slice(0, 16)
}

type Bad = EventOf<'RunRetried' | 'RunFailed' | 'RunDeadLettered' | 'RunCancelled'>

const outcomes = {
  RunRetried: 'retried',
  RunFailed: 'failed',
  RunDeadLettered: 'dead_lettered',
  RunCancelled: 'cancelled',
} as const

const errorOf = (event: Bad): { readonly type: string; readonly message: string } => {
  if (event.type !== 'RunCancelled') return event.error
  const { name, reason } = event.actor
  return { type: 'Cancelled', message: reason ? `by ${name}: ${reason}` : `by ${name}` }
}

const row = (recorded: Recorded<Bad>): Row<'run_errors'> => {
  const { event } = recorded
  const { type, message } = errorOf(event)
  return {
    ...placeOf(recorded),
    ...fenceOf(event),
    pipeline: event.pipeline,
    outcome: outcomes[event.type],
    type,
    message,
    fingerprint: fingerprintOf(type, event.type === 'RunCancelled' ? '' : message),
    next_attempt_at: event.type === 'RunRetried' ? moment(event.nextAttemptAt) : null,
    recorded_at: recordedAt(recorded),
  }
}

export const runErrors: Fact<'run_errors'> = {
  kind: 'fact',
  table: 'run_errors',
  version: 1,
  rows: { RunRetried: row, RunFailed: row, RunDeadLettered: row, RunCancelled: row },
}
