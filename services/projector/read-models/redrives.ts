/**
 * Redrives: runs that ended badly and that somebody wants done again, how far that is, and how it ends.
 * The dispatcher counts what it passed over; until it says so nothing is.
 */
import type { EventOf, Recorded } from '@headway/schemas/events.ts'
import type { Row } from '@headway/schemas/tables.ts'
import { recordedAt, type Group, type Look, type Placed } from './read-model.ts'

type Redrive = Row<'redrives'>
type Changed = readonly Placed<'redrives' | 'redrive_runs'>[]

const requested = (recorded: Recorded<EventOf<'RedriveRequested'>>, look: Look): Changed => {
  const { tenant, seq, event } = recorded
  const { redrive } = event
  // Asked for once more it is the same redrive.
  if (look('redrives', tenant, redrive)) return []
  const row: Redrive = {
    tenant,
    redrive,
    pipeline: event.pipeline,
    status: 'running',
    pipeline_version: event.pipelineVersion ?? null,
    start_over: event.startOver,
    per_minute: event.perMinute ?? null,
    failures_max: event.failuresMax ?? null,
    actor: event.actor,
    requested: event.runs.length,
    redriven: 0,
    passed_over: 0,
    failed: 0,
    requested_at: recordedAt(recorded),
    ended_at: null,
    seq,
    last_seq: seq,
  }
  const runs = [...new Set(event.runs)].map((run, place) => ({
    tenant,
    redrive,
    run,
    place,
    epoch: null,
    redriven_at: null,
    seq,
  }))
  return [['redrives', row], ...runs.map((one) => ['redrive_runs', one] as const)]
}

const redriven = (recorded: Recorded<EventOf<'RunRedriven'>>, look: Look): Changed => {
  const { tenant, seq, event } = recorded
  const row = look('redrives', tenant, event.redrive)
  const run = look('redrive_runs', tenant, event.redrive, event.run)
  if (row?.status !== 'running') return []
  const done = { epoch: event.epoch, redriven_at: recordedAt(recorded) }
  return [
    ['redrives', { ...row, redriven: row.redriven + 1, last_seq: seq }],
    ...(run?.epoch === null ? [['redrive_runs', { ...run, ...done }] as const] : []),
  ]
}

/** One of its runs ended badly again. */
const failed = (
  { tenant, seq, event }: Recorded<EventOf<'RunFailed' | 'RunDeadLettered'>>,
  look: Look,
): Changed => {
  const redrive = look('runs', tenant, event.run)?.redrive
  const row = redrive ? look('redrives', tenant, redrive) : undefined
  if (row?.status !== 'running') return []
  return [['redrives', { ...row, failed: row.failed + 1, last_seq: seq }]]
}

const ended = (recorded: Recorded<EventOf<'RedriveEnded'>>, look: Look): Changed => {
  const { tenant, seq, event } = recorded
  const row = look('redrives', tenant, event.redrive)
  if (row?.status !== 'running') return []
  const { outcome: status, redriven: done, passedOver, failed: bad } = event
  const counts = { redriven: done, passed_over: passedOver, failed: bad }
  return [
    ['redrives', { ...row, status, ...counts, ended_at: recordedAt(recorded), last_seq: seq }],
  ]
}

export const redrives: Group<'redrives' | 'redrive_runs'> = {
  kind: 'group',
  tables: ['redrives', 'redrive_runs'],
  version: 1,
  keys: ({ tenant, event }, look) => {
    if ('redrive' in event) {
      const row = ['redrives', [tenant, event.redrive]] as const
      if (event.type !== 'RunRedriven') return [row]
      return [row, ['redrive_runs', [tenant, event.redrive, event.run]]]
    }
    if (event.type !== 'RunFailed' && event.type !== 'RunDeadLettered') return []
    const redrive = look('runs', tenant, event.run)?.redrive
    return redrive ? [['redrives', [tenant, redrive]]] : []
  },
  evolve: {
    RedriveRequested: requested,
    RunRedriven: redriven,
    RunFailed: failed,
    RunDeadLettered: failed,
    RedriveEnded: ended,
  },
  standing: ([table, row]) => (table === 'redrive_runs' && row.epoch !== null ? 'final' : 'open'),
}
