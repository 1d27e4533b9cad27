/** Given questions and answers in log order, then these rows: which answer counts, and why others do not. */
import { describe, expect, test } from 'vitest'
import type { Event, EventOf } from '@headway/schemas/events.ts'
import type { Row } from '@headway/schemas/tables.ts'
import {
  projected,
  rowAfter,
  rowsAfter,
  second,
  type Story,
} from '../../../test/fixtures/projected.ts'
import {
  actor,
  answered,
  cancelled,
  ended,
  interaction,
  question,
  redriven,
  requested,
  response,
  resumed,
  run,
  started,
  suspended,
} from '../../../test/fixtures/run-events.ts'

const second2 = '01JBBBBBBBBBBBBBBBBBBBBBBB'
const other = '01JSSSSSSSSSSSSSSSSSSSSSSS'
const asks: Story = [requested(), started(1), suspended(1)]
const expired = ended('RunDeadLettered', 1, {
  error: { type: 'InteractionExpired', message: 'nobody answered' },
})
const byId: EventOf<'InteractionCompleted'> = {
  type: 'InteractionCompleted',
  v: 1,
  at: second(0),
  pipeline: 'p',
  interaction,
  response,
  actor,
  token: false,
}
const statuses = async (...story: Story) =>
  (await rowsAfter('answers', ...story)).map(({ status, code }) => code ?? status)
/** Nothing for two minutes. */
const quiet = Array.from({ length: 60 }, (): Event[] => [])

describe('a question', () => {
  test('waits with everything that somebody needs to answer it', async () => {
    const questions = [question({ assignee: 'ann', group: 'ops', token: true })]
    const row = await rowAfter('interactions', requested(), started(1), suspended(1, questions))
    expect(row).toMatchObject({
      interaction,
      run,
      pipeline: 'p',
      epoch: 0,
      attempt: 1,
      step: 'approve',
      correlation: 'approval',
      assignee: 'ann',
      group: 'ops',
      deadline_at: second(60),
      request: { level: 2 },
      token: true,
      status: 'waiting',
      since: second(3),
      response: null,
    })
  })

  test.each([
    ['its id', byId],
    ['its correlation', answered()],
    ['its id, whatever the correlation says', answered({ interaction, correlation: 'other' })],
  ])('is completed under %s', async (_, answer) => {
    expect(await rowAfter('interactions', ...asks, answer)).toMatchObject({
      status: 'completed',
      response,
      actor,
      answer_seq: 4,
      since: second(4),
    })
  })

  const endings: readonly (readonly [status: string, how: string, event: Event])[] = [
    ['expired', 'nobody answered in time', expired],
    ['cancelled', 'somebody ended the run', cancelled(1)],
    ['cancelled', 'the run died of something else', ended('RunDeadLettered', 1)],
    ['cancelled', 'the run goes on all the same', resumed(1)],
  ]
  test.each(endings)('is %s when %s', async (status, _, event) => {
    const story = [...asks, ...quiet, event]
    expect(await rowAfter('interactions', ...story)).toMatchObject({ status, since: second(64) })
    expect(await statuses(...story, answered())).toEqual(['not_waiting'])
    expect(await rowAfter('interactions', ...story, answered())).toMatchObject({ status })
  })

  test('may ask with nothing and be answered with nothing', async () => {
    const story = [requested(), suspended(1, [question({ request: null, response: {} })])]
    expect(await rowAfter('interactions', ...story)).toMatchObject({ status: 'waiting' })
    const nothing = answered({ response: null })
    expect(await rowAfter('interactions', ...story, nothing)).toMatchObject({ status: 'completed' })
  })

  test('that still had time is cancelled when another one of its run has expired', async () => {
    const later = question({ interaction: other, correlation: 'later', timeoutMs: 999_000 })
    const story = [requested(), suspended(1, [question(), later]), ...quiet, expired]
    const rows = await rowsAfter('interactions', ...story)
    expect(rows.map(({ status }) => status)).toEqual(['expired', 'cancelled'])
  })

  test('of an epoch that was answered leaves the next one to its own', async () => {
    const again = suspended('1.1', [question({ interaction: other })])
    const story = [...asks, answered(), resumed(1), started('1.1'), again]
    const rows = await rowsAfter('interactions', ...story)
    expect(rows.map(({ status, epoch }) => [status, epoch])).toEqual([
      ['completed', 0],
      ['waiting', 1],
    ])
    expect(await rowAfter('runs', ...story)).toMatchObject({ interactions: [other] })
    // It was held no longer: what names it comes for the second one.
    const both = await rowsAfter('interactions', ...story, answered())
    expect(both.map(({ status }) => status)).toEqual(['completed', 'completed'])
  })
})

describe('an answer', () => {
  const refused: readonly (readonly [code: string, story: Story])[] = [
    ['misfit', [...asks, answered({ response: { ok: 'yes' } })]],
    ['misfit', [...asks, answered({ response: null })]],
    ['too_late', [...asks, ...quiet, answered()]],
    [
      'token_missing',
      [requested(), suspended(1, [question({ token: true })]), answered({ token: false })],
    ],
    [
      'misfit',
      [
        requested(),
        suspended(1, [question({ response: { pattern: '(' } })]),
        answered({ response: 'x' }),
      ],
    ],
    ['misfit', [requested(), suspended(1, [question({ response: { $ref: '#' } })]), answered()]],
  ]
  test.each(refused)('that is a %s changes nothing and says why', async (code, story) => {
    expect(await rowAfter('answers', ...story)).toMatchObject({
      status: 'refused',
      code,
      interaction,
    })
    expect(await rowAfter('interactions', ...story)).toMatchObject({ status: 'waiting' })
  })

  test('says what does not fit', async () => {
    const row = await rowAfter('answers', ...asks, answered({ response: { ok: 'yes', by: 7 } }))
    expect(row.detail).toBe('/by must be string')
  })

  test('with a token fits a question that wants one', async () => {
    const story = [
      requested(),
      suspended(1, [question({ token: true })]),
      answered({ token: true }),
    ]
    expect(await rowAfter('interactions', ...story)).toMatchObject({ status: 'completed' })
  })

  test('counts once: the first that is good [E12]', async () => {
    const better = answered({ response: { ok: false, by: 'bob' } })
    const story = [...asks, answered({ response: 1 }), answered(), better]
    expect(await statuses(...story)).toEqual(['misfit', 'counted', 'not_waiting'])
    expect(await rowAfter('interactions', ...story)).toMatchObject({ response, answer_seq: 5 })
  })

  test('that names nothing, or another pipeline’s question, does nothing', async () => {
    const { interaction: _, ...nameless } = byId
    expect(await statuses(...asks, nameless)).toEqual(['not_waiting'])
    const story = [...asks, answered({ pipeline: 'q' })]
    expect(await statuses(...story)).toEqual(['held'])
    expect(await rowAfter('interactions', ...story)).toMatchObject({ status: 'waiting' })
  })

  test('goes to the run that was asked for first, of each to the first question', async () => {
    const mine = (name: string, id: string) => suspended(1, [question({ interaction: id })], name)
    const story = [
      requested(),
      requested({ run: second2 }),
      mine(second2, other),
      mine(run, interaction),
    ]
    const waiting = async (...more: Story) =>
      (await rowsAfter('interactions', ...story, ...more)).filter((row) => row.status === 'waiting')
    expect(await waiting(answered())).toMatchObject([{ run: second2 }])
    expect(await waiting(answered(), answered())).toEqual([])
    expect(await waiting(answered({ interaction }))).toMatchObject([{ run: second2 }])
    expect(await waiting(answered({ interaction }), answered())).toEqual([])
    const twins = [question(), question({ interaction: other, step: 'second' })]
    const both = await rowsAfter('interactions', requested(), suspended(1, twins), answered())
    expect(both.map(({ status }) => status)).toEqual(['completed', 'waiting'])
    const first = [question({ token: true }), question({ interaction: other, step: 'second' })]
    const strict = [requested(), suspended(1, first), answered()]
    expect(await statuses(...strict)).toEqual(['token_missing'])
  })

  test('goes to a run that was redriven as if it had waited all along', async () => {
    const mine = (name: string, id: string, told: 1 | '1.1') =>
      suspended(told, [question({ interaction: id })], name)
    const story = [
      requested(),
      requested({ run: second2 }),
      ended('RunFailed', 1),
      redriven(1),
      mine(run, interaction, '1.1'),
      mine(second2, other, 1),
      answered(),
    ]
    const rows = await rowsAfter('interactions', ...story)
    expect(rows.map(({ run: of, status }) => [of, status])).toEqual([
      [run, 'completed'],
      [second2, 'waiting'],
    ])
  })

  test('whose shape nothing can keep is shown and blocks nobody [I17]', async () => {
    let deep: unknown = 1
    for (let i = 0; i < 300; i++) deep = [deep]
    const tables = await projected(
      ...asks,
      answered({ response: deep }),
      answered({ response: 1n }),
    )
    expect([...tables.get('unreadable')!.values()]).toMatchObject([
      { problem: expect.stringMatching(/deeper than 200/) },
      { problem: expect.stringMatching(/BigInt/) },
    ])
  })
})

describe('an answer that comes before its question', () => {
  test('is held, and counts when the question comes', async () => {
    const story = [answered(), requested(), started(1)]
    expect(await rowAfter('answers', ...story)).toMatchObject({ status: 'held', interaction: null })
    expect(await rowAfter('interactions', ...story, suspended(1))).toMatchObject({
      status: 'completed',
      answer_seq: 1,
      since: second(4),
    })
    expect(await rowAfter('answers', ...story, suspended(1))).toMatchObject({
      status: 'counted',
      interaction,
    })
    expect(await rowAfter('held_answers', ...story, suspended(1))).toMatchObject({ answers: [] })
  })

  test('is judged like any other, and only once', async () => {
    const bad = answered({ response: 'no' })
    const story = [bad, answered({ correlation: 'else' }), answered(), answered(), requested()]
    const after = [...story, started(1), suspended(1)]
    expect(await statuses(...after)).toEqual(['misfit', 'held', 'counted', 'not_waiting'])
    const withToken = [requested(), suspended(1, [question({ token: true })])]
    expect(await statuses(bad, answered(), ...withToken)).toEqual([
      'token_missing',
      'token_missing',
    ])
  })

  test('is too late when the deadline was over when it came', async () => {
    const past = question({ timeoutMs: 0 })
    const story = [requested(), suspended(1, [past]), answered()]
    expect(await statuses(...story)).toEqual(['too_late'])
    const never = [question({ timeoutMs: Number.MAX_SAFE_INTEGER })]
    const row = await rowAfter('interactions', requested(), suspended(1, never))
    expect(row.deadline_at).toBe('1979-12-30T00:00:02.000Z')
  })

  test('counts for a question under its id as well', async () => {
    expect(await rowAfter('interactions', byId, ...asks)).toMatchObject({ status: 'completed' })
  })

  test('is dropped when too many are held', async () => {
    const many = Array.from({ length: 1_003 }, (_, i) => answered({ correlation: `c${i}` }))
    const rows = await rowsAfter('answers', many.slice(0, 600), many.slice(600))
    const dropped = rows.filter(({ status }: Row<'answers'>) => status === 'dropped')
    expect(dropped.map((row) => row.named_correlation)).toEqual(['c0', 'c1', 'c2'])
  })
})

test('questions and answers of zombies change nothing [I8]', async () => {
  const late = [suspended(1, [question({ interaction: other })]), started(2), cancelled(2)]
  for (const before of [asks, [...asks, answered(), resumed(1), started('1.1')]])
    expect(await projected(...before, ...late)).toEqual(await projected(...before))
})
