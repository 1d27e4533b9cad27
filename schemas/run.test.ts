import { describe, expect, test } from 'vitest'
import type { EventOf } from './events.ts'
import { examples } from './examples.ts'
import { afterRunEvent, isEnded, isRedrivable, isRunEvent, requestedFence } from './run.ts'
import { runStatuses, type RunEvent, type RunFence, type RunStatus } from './run.ts'

/** Given a fence, when an event comes, then this fence; null when the event changes nothing. */
type Said = Exclude<RunEvent['type'], 'RunSuperseded' | 'RunRedriven' | 'RunResumed'>
const say = (type: Said, epoch: number, attempt: number): RunEvent => ({
  ...(examples[type] as EventOf<'RunStarted'>),
  ...(epoch > 0 ? { epoch } : { epoch: undefined as never }),
  attempt,
})
const decide = (type: 'RunSuperseded' | 'RunRedriven' | 'RunResumed', epoch = 1): RunEvent =>
  type === 'RunSuperseded'
    ? examples[type]
    : { ...(examples[type] as EventOf<'RunResumed'>), epoch }
const fence = (status: RunStatus, epoch: number, attempt: number): RunFence => ({
  status,
  epoch,
  attempt,
})
const ends = ['completed', 'failed', 'dead_lettered', 'cancelled', 'superseded'] as const

describe('a run’s status', () => {
  const steps: readonly (readonly [from: RunFence, event: RunEvent, to: RunFence | null])[] = [
    [requestedFence, say('RunStarted', 0, 1), fence('running', 0, 1)],
    [requestedFence, say('RunStarted', 0, 3), fence('running', 0, 3)],
    [requestedFence, say('RunFailed', 0, 1), fence('failed', 0, 1)],
    [requestedFence, say('RunCancelled', 0, 0), fence('cancelled', 0, 0)],
    [requestedFence, decide('RunSuperseded'), fence('superseded', 0, 0)],
    [fence('running', 0, 1), decide('RunSuperseded'), null],
    [fence('pending', 0, 1), decide('RunSuperseded'), null],
    [fence('pending', 1, 0), decide('RunSuperseded'), null],
    [fence('running', 0, 1), say('StepSucceeded', 0, 1), fence('running', 0, 1)],
    [fence('running', 0, 1), say('ArtifactPublished', 0, 2), fence('running', 0, 2)],
    [fence('running', 0, 1), say('RunRetried', 0, 1), fence('retrying', 0, 1)],
    [fence('retrying', 0, 1), say('RunStarted', 0, 2), fence('running', 0, 2)],
    [fence('running', 0, 2), say('RunGivenBack', 0, 2), fence('pending', 0, 2)],
    [fence('pending', 0, 2), say('RunStarted', 0, 2), fence('running', 0, 2)],
    [fence('running', 0, 2), say('RunCompleted', 0, 2), fence('completed', 0, 2)],
    [fence('running', 0, 2), say('RunDeadLettered', 0, 2), fence('dead_lettered', 0, 2)],
    [fence('running', 0, 2), say('RunSuspended', 0, 2), fence('waiting_external', 0, 2)],
    [fence('waiting_external', 0, 2), decide('RunResumed'), fence('pending', 1, 0)],
    [fence('waiting_external', 1, 2), decide('RunResumed', 2), fence('pending', 2, 0)],
    [fence('waiting_external', 0, 2), decide('RunResumed', 2), null],
    [fence('running', 0, 2), decide('RunResumed'), null],
    [fence('waiting_external', 0, 2), say('RunDeadLettered', 0, 2), fence('dead_lettered', 0, 2)],
    [fence('waiting_external', 0, 2), say('RunCancelled', 0, 2), fence('cancelled', 0, 2)],
    [fence('waiting_external', 0, 2), say('RunCancelled', 0, 3), null],
    [fence('waiting_external', 0, 2), say('RunStarted', 0, 3), null],
    [fence('waiting_external', 0, 2), say('RunCompleted', 0, 2), null],
    [fence('failed', 0, 3), decide('RunRedriven'), fence('pending', 1, 0)],
    [fence('dead_lettered', 1, 3), decide('RunRedriven', 2), fence('pending', 2, 0)],
    [fence('cancelled', 0, 0), decide('RunRedriven'), fence('pending', 1, 0)],
    [fence('failed', 0, 3), decide('RunRedriven', 2), null],
    [fence('failed', 1, 3), decide('RunRedriven', 1), null],
    [fence('completed', 0, 3), decide('RunRedriven'), null],
    [fence('superseded', 0, 0), decide('RunRedriven'), null],
    [fence('running', 0, 3), decide('RunRedriven'), null],
    [fence('pending', 1, 0), say('RunStarted', 1, 1), fence('running', 1, 1)],
    [fence('pending', 1, 0), say('RunCompleted', 0, 9), null],
    [fence('running', 1, 2), say('StepSucceeded', 1, 1), null],
  ]
  test.each(steps)('%j %# follows from what is said', (from, event, to) => {
    expect(afterRunEvent(from, event)).toEqual(to)
  })

  test('is reached by some way, each of them', () => {
    const reached = steps.flatMap(([from, , to]) => [from.status, to?.status])
    expect(new Set(runStatuses.filter((status) => !reached.includes(status)))).toEqual(new Set())
  })

  test.each(ends)('%s is an end: nobody who executes it changes that', (status) => {
    for (const type of Object.keys(examples) as (keyof typeof examples)[]) {
      const event = examples[type]
      if (!isRunEvent(event) || event.type === 'RunRedriven') continue
      const late = 'attempt' in event ? { ...event, epoch: 5, attempt: 9 } : event
      expect(afterRunEvent(fence(status, 1, 1), late), type).toBeNull()
    }
  })

  test('says whether it is an end, and whether the run can be done again', () => {
    expect(runStatuses.filter(isEnded)).toEqual([...ends])
    expect(runStatuses.filter(isRedrivable)).toEqual(['failed', 'dead_lettered', 'cancelled'])
  })
})

test('what is said about a run is known by its shape', () => {
  const said = Object.values(examples).filter(isRunEvent)
  expect(said.map(({ type }) => type).sort()).toEqual(
    [
      'ArtifactCompared',
      'ArtifactPublished',
      'RunCancelled',
      'RunCompleted',
      'RunDeadLettered',
      'RunFailed',
      'RunGivenBack',
      'RunRedriven',
      'RunResumed',
      'RunRetried',
      'RunStarted',
      'RunSuperseded',
      'RunSuspended',
      'StepFailed',
      'StepOutputRecorded',
      'StepSkipped',
      'StepSucceeded',
    ].sort(),
  )
})
