/**
 * Runs that ended badly and that somebody wants done again: one after the other, at the rate and up to
 * the number of failures that were asked for. A run that cannot be done again (it is open, it completed,
 * its version is retired) is passed over.
 */
import type { Event, EventOf, Recorded } from '@headway/schemas/events.ts'
import type { Run, Runs } from './runs.ts'

const atOnceMax = 100

export type Redrive = {
  readonly asked: EventOf<'RedriveRequested'>
  /** Runs whose turn has not come. */
  readonly rest: readonly string[]
  readonly redriven: number
  readonly failed: number
  /** When the newest one was redriven, milliseconds since 1970 UTC. */
  readonly lastAt: number | null
}

export const begun = (asked: EventOf<'RedriveRequested'>): Redrive => ({
  asked,
  rest: asked.runs,
  redriven: 0,
  failed: 0,
  lastAt: null,
})

export const evolveRedrives = (
  redrives: readonly Redrive[],
  { event, at }: Recorded,
  ended: Run | null,
): readonly Redrive[] => {
  switch (event.type) {
    case 'RedriveRequested':
      return [...redrives, begun(event)]
    case 'RunRedriven':
      return redrives.map((one) =>
        one.asked.redrive === event.redrive
          ? {
              ...one,
              rest: one.rest.slice(one.rest.indexOf(event.run) + 1),
              redriven: one.redriven + 1,
              lastAt: at,
            }
          : one,
      )
    case 'RedriveEnded':
      return redrives.filter(({ asked }) => asked.redrive !== event.redrive)
    default: {
      const hasFailed = event.type === 'RunFailed' || event.type === 'RunDeadLettered'
      if (!hasFailed || !ended?.redrive) return redrives
      return redrives.map((one) =>
        one.asked.redrive === ended.redrive ? { ...one, failed: one.failed + 1 } : one,
      )
    }
  }
}

/** When the next run of a redrive may be done again, milliseconds since 1970 UTC. */
export const nextAt = ({ asked, lastAt, rest }: Redrive): number | null => {
  if (rest.length === 0) return null
  if (lastAt === null || asked.perMinute === undefined) return 0
  return lastAt + 60_000 / asked.perMinute
}

export type RedriveMoment = {
  /** Runs that others of the same moment do again. */
  readonly taken: Set<string>
  readonly pipeline: string
  readonly now: number
  readonly at: string
  readonly isUsable: (version: string) => boolean
}

/** The next events of a redrive at this moment. */
export const redrive = (one: Redrive, { open, dead }: Runs, moment: RedriveMoment): Event[] => {
  const { asked, failed } = one
  const head = { v: 1 as const, at: moment.at, pipeline: moment.pipeline, redrive: asked.redrive }
  const mine = open.count(({ redrive: by }) => by === asked.redrive)
  const end = (outcome: 'done' | 'stopped'): Event => ({
    type: 'RedriveEnded',
    ...head,
    outcome,
    redriven: one.redriven,
    passedOver: asked.runs.length - one.redriven - (outcome === 'done' ? 0 : one.rest.length),
    failed,
  })
  if (asked.failuresMax !== undefined && failed >= asked.failuresMax) return [end('stopped')]
  const possible = one.rest.flatMap((name) => {
    const run = dead.get(name)
    const version = asked.pipelineVersion ?? run?.version
    const isFree = run !== undefined && !moment.taken.has(name)
    return isFree && version !== undefined && moment.isUsable(version) ? [{ run, version }] : []
  })
  if (possible.length === 0) return mine === 0 ? [end('done')] : []
  const due = nextAt(one)
  if (due === null || due > moment.now) return []
  const risk = asked.failuresMax === undefined ? atOnceMax : asked.failuresMax - failed - mine
  const count = asked.perMinute === undefined ? Math.min(atOnceMax, risk) : Math.min(1, risk)
  const next = possible.slice(0, Math.max(0, count))
  for (const { run } of next) moment.taken.add(run.run)
  return next.map(({ run, version }) => ({
    type: 'RunRedriven',
    ...head,
    run: run.run,
    epoch: run.fence.epoch + 1,
    pipelineVersion: version,
    startOver: asked.startOver,
    actor: asked.actor,
  }))
}
