/**
 * What sinks held at some moment of their history: the newest change of each key until then. A moment is
 * a commit (after its last change), a run, a time, or now.
 */
import { sql } from 'kysely'
import type { Api } from './api.ts'
import { isSame, present, type Shown } from './held.ts'
import { momentOf, timeOf } from './moments.ts'
import { Problem } from './problem.ts'

export type Place = {
  readonly environment: string
  readonly rule?: string | undefined
  readonly sink?: string | undefined
}
/** `sink` and `key`, with a NUL between, which neither can hold → what it held. */
export type State = ReadonlyMap<string, unknown>

export type Difference = {
  readonly sink: string
  readonly key: string
  readonly change: 'added' | 'removed' | 'changed'
  readonly from: Shown
  readonly to: Shown
}

const keysMax = 100_000
const commitPattern = /^[0-9a-f]{7,64}$/i
const runPattern = /^[0-9A-HJKMNP-TV-Z]{26}$/

const changesIn = ({ db, tenant }: Api, { environment, rule, sink }: Place) => {
  let query = db
    .selectFrom('value_changes')
    .where('tenant', '=', tenant)
    .where('environment', '=', environment)
  if (rule !== undefined) query = query.where('rule', '=', rule)
  if (sink !== undefined) query = query.where('sink', '=', sink)
  return query
}

export type Bound = { readonly seq: number; readonly commit: string | null }

/** The last change of a commit or of a run; null when it changed nothing here. */
export const findBound = async (api: Api, place: Place, moment: string): Promise<Bound | null> => {
  const isRun = runPattern.test(moment)
  if (!isRun && !commitPattern.test(moment)) return null
  const changes = changesIn(api, place)
  const found = isRun
    ? changes.where('run', '=', moment)
    : changes.where('commit', 'like', `${moment.toLowerCase()}%`)
  const commits = await found
    .select(['commit', sql<number>`max(seq)`.as('seq')])
    .groupBy('commit')
    .orderBy('seq', 'desc')
    .limit(2)
    .execute()
  if (commits.length > 1 && !isRun)
    throw new Problem(
      400,
      'ambiguous_commit',
      `several commits begin with ${moment}: write more of it`,
    )
  return commits[0] ?? null
}

const boundOf = async (api: Api, place: Place, name: string, moment: string | undefined) => {
  if (moment === undefined) return null
  const bound = await findBound(api, place, moment)
  if (bound) return sql<boolean>`seq <= ${bound.seq}`
  if (runPattern.test(moment) || /^[0-9a-f]{12,64}$/i.test(moment))
    throw unknownMoment(place, moment)
  const at = timeOf(momentOf(name, moment, api.clock.now()))
  return sql<boolean>`recorded_at <= ${at}`
}

export const unknownMoment = ({ environment }: Place, moment: string): Problem =>
  new Problem(
    404,
    'unknown_moment',
    `nothing in ${environment} was changed by ${moment}; GET ${'/api/v1/config/log'} lists what was`,
  )

export const stateAt = async (
  api: Api,
  place: Place,
  name: string,
  moment?: string,
): Promise<State> => {
  const bound = await boundOf(api, place, name, moment)
  let query = changesIn(api, place)
    .distinctOn(['sink', 'key'])
    .select(['sink', 'key', 'op', 'value'])
    .orderBy('sink')
    .orderBy('key')
    .orderBy('seq', 'desc')
    .orderBy('index', 'desc')
    .orderBy('entry', 'desc')
    .limit(keysMax)
  if (bound) query = query.where(bound)
  const rows = await query.execute()
  return new Map(
    rows.flatMap(({ sink, key, op, value }) =>
      op === 'set' ? [[`${sink}\0${key}`, value] as const] : [],
    ),
  )
}

export const differencesOf = (from: State, to: State): readonly Difference[] =>
  [...new Set([...from.keys(), ...to.keys()])].sort().flatMap((id): Difference[] => {
    const [sink = '', key = ''] = id.split('\0')
    const isSameValue = from.has(id) && to.has(id) && isSame(from.get(id), to.get(id))
    if (isSameValue) return []
    const change = !from.has(id) ? 'added' : to.has(id) ? 'changed' : 'removed'
    return [{ sink, key, change, from: present(from.get(id)), to: present(to.get(id)) }]
  })
