/**
 * Questions of suspended runs and the answers that came, in the order of the log. Which answer counts is
 * `schemas/answer.ts`; what it is tried on is the same here as in the dispatcher:
 *
 *   An answer is tried on the waiting questions of its name: of each run the first, the run that was
 *   asked for first before the others. The first that it fits is answered.
 *   An answer whose name was never asked in the pipeline is held. When a question of its name is asked
 *   it is tried on the questions of that run, and never again.
 *   Questions that still wait when their run ends or goes on have expired or are cancelled.
 */
import type { EventOf, Recorded } from '@headway/schemas/events.ts'
import type { TableName } from '@headway/schemas/tables.ts'
import { asked, clean, completed, given, isAbout, judged } from './answers.ts'
import type { AnswerRow, Interaction } from './answers.ts'
import { recordedAt, type Group, type Key, type Look, type Placed } from './read-model.ts'

type Tables = 'interactions' | 'answers' | 'interaction_names' | 'held_answers'
type Named = {
  readonly interaction?: string | undefined
  readonly correlation?: string | undefined
}
type Held = Named & { readonly seq: number; readonly index: number }
/** `seq` is where the run was asked for. */
type Waiting = { readonly interaction: string; readonly run: string; readonly seq: number }
type Changed = readonly Placed<Tables>[]
type Closing = EventOf<'RunCancelled' | 'RunDeadLettered' | 'RunResumed'>

/** Answers that a pipeline holds; the oldest are dropped. */
const heldMax = 1_000

const nameOf = ({ interaction, correlation }: Named): string | undefined => {
  const name = interaction ?? correlation
  return name === undefined ? undefined : clean(name)
}
const namesOf = ({ interaction, correlation }: Interaction): readonly string[] =>
  correlation === null ? [interaction] : [interaction, correlation]

const heldIn = (look: Look, tenant: string, pipeline: string): readonly Held[] =>
  (look('held_answers', tenant, pipeline)?.answers ?? []) as readonly Held[]
const waitingUnder = (look: Look, ...key: Key): readonly Waiting[] =>
  (look('interaction_names', ...key)?.waiting ?? []) as readonly Waiting[]

/** The names of questions, when of these only some wait. `runSeq` is where their run was asked for. */
const renamed = (
  look: Look,
  { tenant, seq }: Recorded,
  questions: readonly Interaction[],
  waiting: readonly Interaction[] = [],
  runSeq = 0,
): Changed => {
  const gone = new Set(questions.map(({ interaction }) => interaction))
  const names = new Map(
    questions.flatMap((one) => namesOf(one).map((name) => [name, one.pipeline] as const)),
  )
  return [...names].map(([name, pipeline]) => {
    const others = waitingUnder(look, tenant, pipeline, name)
    const mine = waiting
      .filter((one) => namesOf(one).includes(name))
      .map(({ interaction, run }) => ({ interaction, run, seq: runSeq }))
    const all = [...others.filter(({ interaction }) => !gone.has(interaction)), ...mine]
    all.sort((a, b) => a.seq - b.seq || (a.run < b.run ? -1 : Number(a.run > b.run)))
    return ['interaction_names', { tenant, pipeline, name, waiting: all, seq }]
  })
}

const holding = (recorded: Recorded, look: Look, answer: AnswerRow): Changed => {
  const { tenant, pipeline, seq, index, named_interaction, named_correlation } = answer
  const named =
    named_interaction === null
      ? { correlation: named_correlation! }
      : { interaction: named_interaction }
  const all: readonly Held[] = [...heldIn(look, tenant, pipeline), { seq, index, ...named }]
  const dropped = all
    .slice(0, -heldMax)
    .flatMap((one) => look('answers', tenant, one.seq, one.index) ?? [])
  return [
    ['answers', answer],
    ['held_answers', { tenant, pipeline, answers: all.slice(-heldMax), seq: recorded.seq }],
    ...dropped.map((one) => ['answers', { ...one, status: 'dropped' }] as const),
  ]
}

const answered = (recorded: Recorded<EventOf<'InteractionCompleted'>>, look: Look): Changed => {
  const { tenant, event } = recorded
  const row = given(recorded)
  const name = nameOf(event)
  if (name !== undefined && !look('interaction_names', tenant, event.pipeline, name))
    return holding(recorded, look, row)
  const runs = new Set<string>()
  const questions = waitingUnder(look, tenant, event.pipeline, name ?? '').flatMap((one) => {
    const question = look('interactions', tenant, one.interaction)
    if (!question || runs.has(one.run) || !isAbout(question, row)) return []
    runs.add(one.run)
    return [question]
  })
  const { answer, answered: question } = judged(row, questions)
  if (!question) return [['answers', answer]]
  return [
    ['answers', answer],
    ['interactions', completed(question, answer, recorded)],
    ...renamed(look, recorded, [question]),
  ]
}

const suspended = (recorded: Recorded<EventOf<'RunSuspended'>>, look: Look): Changed => {
  const { tenant, seq, event } = recorded
  const { pipeline } = event
  const run = look('runs', tenant, event.run)
  const questions = event.questions.map((question) => asked(recorded, question))
  const before = heldIn(look, tenant, pipeline)
  const isMine = (answer: AnswerRow) => questions.some((one) => isAbout(one, answer))
  const mine = before.flatMap((one) => {
    const answer = look('answers', tenant, one.seq, one.index)
    return answer && isMine(answer) ? [answer] : []
  })
  const done = new Map<string, Interaction>()
  const answers = mine.map((held) => {
    const isOpen = (one: Interaction) => !done.has(one.interaction) && isAbout(one, held)
    const { answer, answered: question } = judged(held, questions.filter(isOpen).slice(0, 1))
    if (question) done.set(question.interaction, completed(question, answer, recorded))
    return answer
  })
  const waiting = questions.filter(({ interaction }) => !done.has(interaction))
  const left = before.filter(
    ({ seq: s, index: i }) => !mine.some((m) => m.seq === s && m.index === i),
  )
  return [
    ...questions.map((one) => ['interactions', done.get(one.interaction) ?? one] as const),
    ...renamed(look, recorded, questions, waiting, run?.seq),
    ...answers.map((answer) => ['answers', answer] as const),
    ...(mine.length > 0
      ? [['held_answers', { tenant, pipeline, answers: left, seq }] as const]
      : []),
  ]
}

/** The questions of a run that nobody has answered. */
const openOf = (look: Look, tenant: string, run: string): readonly Interaction[] =>
  ((look('runs', tenant, run)?.interactions ?? []) as readonly string[]).flatMap((interaction) => {
    const row = look('interactions', tenant, interaction)
    return row?.status === 'waiting' && row.run === run ? [row] : []
  })

const closed = (recorded: Recorded<Closing>, look: Look): Changed => {
  const { tenant, seq, at, event } = recorded
  const waiting = openOf(look, tenant, event.run)
  const isExpiry = event.type === 'RunDeadLettered' && event.error.type === 'InteractionExpired'
  const rows = waiting.map((row) => {
    const isLate = isExpiry && Date.parse(row.deadline_at) <= at
    const status = isLate ? 'expired' : 'cancelled'
    return { ...row, status, since: recordedAt(recorded), last_seq: seq }
  })
  return [...rows.map((row) => ['interactions', row] as const), ...renamed(look, recorded, waiting)]
}

type Place = readonly [table: TableName, key: Key]
const nameKeys = (rows: readonly Interaction[]): readonly Place[] =>
  rows.flatMap((row) =>
    namesOf(row).map((name): Place => ['interaction_names', [row.tenant, row.pipeline, name]]),
  )

const keys = ({ tenant, event }: Recorded, look: Look): readonly Place[] => {
  switch (event.type) {
    case 'InteractionCompleted': {
      const { pipeline } = event
      const name = nameOf(event)
      if (name === undefined) return []
      const waiting = waitingUnder(look, tenant, pipeline, name)
      const held = heldIn(look, tenant, pipeline)
      return [
        ['held_answers', [tenant, pipeline]],
        ['interaction_names', [tenant, pipeline, name]],
        ...waiting.map(({ interaction }): Place => ['interactions', [tenant, interaction]]),
        ...nameKeys(waiting.flatMap((one) => look('interactions', tenant, one.interaction) ?? [])),
        ...held.map(({ seq, index }): Place => ['answers', [tenant, seq, index]]),
      ]
    }
    case 'RunSuspended': {
      const { pipeline, questions } = event
      const names = new Set(
        questions.flatMap(({ interaction, correlation }) =>
          correlation === undefined ? [interaction] : [interaction, clean(correlation)],
        ),
      )
      const held = heldIn(look, tenant, pipeline).filter((one) => names.has(nameOf(one)!))
      return [
        ['held_answers', [tenant, pipeline]],
        ...[...names].map((name): Place => ['interaction_names', [tenant, pipeline, name]]),
        ...held.map(({ seq, index }): Place => ['answers', [tenant, seq, index]]),
      ]
    }
    case 'RunCancelled':
    case 'RunDeadLettered':
    case 'RunResumed': {
      const ids = (look('runs', tenant, event.run)?.interactions ?? []) as readonly string[]
      return [
        ...ids.map((interaction): Place => ['interactions', [tenant, interaction]]),
        ...nameKeys(openOf(look, tenant, event.run)),
      ]
    }
    default:
      return []
  }
}

export const interactions: Group<Tables> = {
  kind: 'group',
  tables: ['interactions', 'answers', 'interaction_names', 'held_answers'],
  version: 1,
  keys,
  evolve: {
    RunSuspended: suspended,
    InteractionCompleted: answered,
    RunCancelled: closed,
    RunDeadLettered: closed,
    RunResumed: closed,
  },
  standing: ([table, row]) => {
    if (table === 'interactions') return row.status === 'waiting' ? 'open' : 'final'
    if (table === 'answers') return row.status === 'held' ? 'open' : 'final'
    if (table === 'held_answers') return 'open'
    return (row.waiting as readonly Waiting[]).length > 0 ? 'open' : 'resting'
  },
  wakes: ['RunSuspended', 'InteractionCompleted'],
}
