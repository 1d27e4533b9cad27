/**
 * What happens, counted as the log tells it, from the first time that somebody asks: an API whose
 * metrics nobody reads follows nothing.
 */
import type { Event } from '@headway/schemas/events.ts'
import type { Commit } from '@headway/schemas/ports.ts'
import type { Api } from '../api.ts'
import type { Meters } from './meters.ts'

const pauseMs = 1_000
const outcomes: Readonly<Record<string, string>> = {
  RunCompleted: 'completed',
  RunFailed: 'failed',
  RunDeadLettered: 'dead_lettered',
  RunCancelled: 'cancelled',
  RunRetried: 'retried',
}

const count = (meters: Meters, pipeline: string, event: Event, at: number): void => {
  const outcome = outcomes[event.type]
  if (outcome !== undefined && 'durationMs' in event)
    meters.runDuration.observe({ pipeline, outcome }, event.durationMs / 1_000)
  if ((event.type === 'StepSucceeded' || event.type === 'StepFailed') && 'durationMs' in event)
    meters.stepDuration.observe({ pipeline, step: event.step }, event.durationMs / 1_000)
  if (event.type === 'RunStarted' && event.attempt > 1) meters.redeliveries.inc({ pipeline })
  if (event.type === 'RunRequested' && event.windowOpenedAt !== undefined)
    meters.windowWait.observe(
      { pipeline },
      Math.max(0, at - Date.parse(event.windowOpenedAt)) / 1_000,
    )
}

const countDrift = (meters: Meters, event: Event): void => {
  if (event.type === 'DriftFound') meters.drifts.inc({ sink: event.sink })
  if (event.type === 'DriftUnknown') meters.driftsUnknown.inc({ sink: event.sink })
  if (event.type === 'HealRequested') meters.heals.inc({ sink: event.sink })
}

export const countCommit = (meters: Meters, tenant: string, commit: Commit): void => {
  if (commit.tenant !== tenant) return
  for (const event of commit.events)
    if (commit.topic.kind === 'sink') countDrift(meters, event)
    else count(meters, commit.topic.name, event, commit.at)
}

/** Counts everything from now on; ends with the API. */
export const followLog = async (api: Api, meters: Meters): Promise<void> => {
  const { log, tenant, signal, clock, logger } = api
  const kinds = ['run', 'pipeline', 'sink'] as const
  let next = (await log.head()).seq + 1
  const follow = async () => {
    while (!signal.aborted) {
      try {
        for await (const commits of log.tail({ from: next, kinds, tenant, signal })) {
          for (const commit of commits) countCommit(meters, tenant, commit)
          next = commits.at(-1)!.seq + 1
        }
      } catch (error) {
        logger.warn({ error: String(error) }, 'the log cannot be followed for metrics')
      }
      await clock.sleep(pauseMs, signal)
    }
  }
  void follow()
}
