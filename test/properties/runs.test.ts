import { evolve, initial, type PipelineState } from '@headway/debounce/state.ts'
import type { TableName } from '@headway/schemas/tables.ts'
import type { Row } from '@headway/schemas/tables.ts'
import type { Event } from '@headway/schemas/events.ts'
import { afterRunEvent, isEnded, isRunEvent, requestedFence } from '@headway/schemas/run.ts'
import type { RunEvent, RunFence } from '@headway/schemas/run.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { commitsOf, projected } from '../fixtures/projected.ts'
import * as tell from '../fixtures/run-events.ts'

/**
 * What must hold for runs whatever anybody says of them, in whatever order. A failure prints its seed
 * and the smallest history that breaks the claim; `fc.assert(…, { seed, path })` runs it again.
 */

const names = [
  '01JAAAAAAAAAAAAAAAAAAAAAAA',
  '01JBBBBBBBBBBBBBBBBBBBBBBB',
  '01JCCCCCCCCCCCCCCCCCCCCCCC',
]
const name = fc.constantFrom(...names)
const epoch = fc.nat({ max: 3 })
const fence = fc.tuple(epoch, fc.nat({ max: 3 })).map(([e, a]) => `${e}.${a}` as tell.Fence)
const expired = { type: 'InteractionExpired', message: 'late' }

/** What an attempt says. */
const said: fc.Arbitrary<Event> = fc
  .tuple(fc.nat({ max: 11 }), fence, name)
  .map(([what, told, of]) => {
    const events: readonly Event[] = [
      tell.started(told, of),
      tell.started(told, of),
      tell.stepped(told, {}, of),
      tell.published(told, 'v', of),
      tell.compared(told, of),
      tell.completed(told, of),
      tell.ended('RunFailed', told, { of }),
      tell.ended('RunDeadLettered', told, { of }),
      tell.ended('RunDeadLettered', told, { of, error: expired }),
      tell.cancelled(told, of),
      { ...tell.retried(told), run: of } as Event,
      { ...tell.givenBack(told), run: of } as Event,
    ]
    return events[what]!
  })

/** A question of a run and epoch has one id, whichever attempt asks. */
const idOf = (run: string, step: string, at: number) =>
  `01JQ${step}${at}${names.indexOf(run)}`.padEnd(26, 'Q')
const suspended: fc.Arbitrary<Event> = fc
  .tuple(epoch, fc.nat({ max: 3 }), name, fc.subarray(['A', 'B'], { minLength: 1 }), fc.boolean())
  .map(([e, a, of, steps, token]) =>
    tell.suspended(
      `${e}.${a}`,
      steps.map((step) =>
        tell.question({
          interaction: idOf(of, step, e),
          step,
          correlation: step === 'A' ? 'approval' : of,
          timeoutMs: 5_000,
          token,
        }),
      ),
      of,
    ),
  )
const answered: fc.Arbitrary<Event> = fc
  .tuple(
    fc.oneof(
      fc.constantFrom('approval', ...names, 'never').map((correlation) => ({ correlation })),
      fc
        .tuple(name, fc.constantFrom('A', 'B'), epoch)
        .map(([of, step, e]) => ({ interaction: idOf(of, step, e) })),
    ),
    fc.boolean(),
    fc.constantFrom(tell.response, tell.response, 'no'),
  )
  .map(([named, token, response]) => {
    const { correlation: _, ...event } = tell.answered({ token, response }) as Event & {
      correlation?: string
    }
    return { ...event, ...named } as Event
  })

/** What is decided and wished on the pipeline's subject. */
const decided: fc.Arbitrary<Event> = fc
  .tuple(fc.nat({ max: 5 }), name, fc.integer({ min: 1, max: 3 }))
  .map(([what, of, e]) => {
    const events: readonly Event[] = [
      { ...tell.superseded(names[0]!), run: of } as Event,
      { ...tell.cancelRequested, run: of } as Event,
      tell.redriven(e, { run: of }),
      tell.redriven(e, { run: of, startOver: true }),
      tell.redriveRequested([of]),
      tell.resumed(e, of),
    ]
    return events[what]!
  })
const asked = name.map((run) => tell.requested({ run }))
const history = fc.array(fc.oneof(said, said, suspended, answered, decided), { maxLength: 60 })
const requests = names.map((run) => tell.requested({ run }))

const folded = (events: readonly Event[], of: string): RunFence =>
  events.reduce((at, event) => {
    const isMine = isRunEvent(event) && event.run === of
    return (isMine && afterRunEvent(at, event)) || at
  }, requestedFence)

const isBehind = (at: RunFence, event: Event): boolean =>
  isRunEvent(event) &&
  'attempt' in event &&
  ((event.epoch ?? 0) < at.epoch || ((event.epoch ?? 0) === at.epoch && event.attempt < at.attempt))

test('what old fences say after new ones is as if it had not been said [I8]', () => {
  fc.assert(
    fc.property(history, (events) => {
      for (const run of names) {
        let at = requestedFence
        const heard = events.filter((event) => {
          if (!isRunEvent(event) || event.run !== run) return false
          const isLate = isBehind(at, event)
          at = afterRunEvent(at, event) ?? at
          return !isLate
        })
        expect(folded(heard, run)).toEqual(folded(events, run))
      }
    }),
    { numRuns: 500 },
  )
})

test('the fence never goes back, and an end is left by a redrive alone [I8]', () => {
  fc.assert(
    fc.property(history, (events) => {
      let at = requestedFence
      for (const event of events as RunEvent[]) {
        if (!isRunEvent(event)) continue
        const next = afterRunEvent(at, event)
        if (!next) continue
        const order = next.epoch - at.epoch || next.attempt - at.attempt
        expect(order).toBeGreaterThanOrEqual(0)
        if (isEnded(at.status)) expect(event.type).toBe('RunRedriven')
        at = next
      }
    }),
    { numRuns: 500 },
  )
})

const rowsOf = <T extends TableName>(tables: Awaited<ReturnType<typeof projected>>, table: T) =>
  [...(tables.get(table)?.values() ?? [])] as Row<T>[]

test('the tables and the dispatcher read every history alike, live and rebuilt [I8] [I11]', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(asked, { maxLength: 3 }), history, async (more, events) => {
      const story = [
        ...requests.slice(0, 2),
        ...events.slice(0, 20),
        requests[2]!,
        ...events.slice(20),
      ]
      const tables = await projected(...story, ...more)
      const state = commitsOf(story).reduce<PipelineState>(
        (before, commit) =>
          commit.events.reduce<PipelineState>(
            (now, event, index) =>
              evolve('p', now, { tenant: 't', seq: commit.seq, index, at: commit.at, event }),
            before,
          ),
        initial,
      )
      const runs = [...state.runs.open.values(), ...state.runs.dead.values()]
      const fences = new Map(runs.map(({ run, fence: at }) => [run, at]))
      for (const { run, status, epoch: e, attempt } of rowsOf(tables, 'runs'))
        if (status !== 'completed' && status !== 'superseded')
          expect(fences.get(run)).toEqual({ status, epoch: e, attempt })
      const waiting = rowsOf(tables, 'interactions').filter(({ status }) => status === 'waiting')
      const open = [...state.runs.open.values()]
        .filter(({ fence: { status } }) => status === 'waiting_external')
        .flatMap(({ questions }) => questions.map(({ interaction }) => interaction))
      expect(waiting.map(({ interaction }) => interaction).sort()).toEqual(open.sort())
      const held = rowsOf(tables, 'answers').filter(({ status }) => status === 'held')
      expect(held.map(({ recorded_at: told }) => Date.parse(told))).toEqual(
        state.answers.held.map(({ at }) => at),
      )
    }),
    { numRuns: 150 },
  )
})
