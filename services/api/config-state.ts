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
  readonly repository?: string | undefined
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

export const changesIn = (api: Api, place: Place) => {
  const { db, tenant } = api
  const { environment, rule, sink, repository } = place
  let query = db
    .selectFrom('value_changes')
    .where('tenant', '=', tenant)
    .where('environment', '=', environment)
  if (rule !== undefined) query = query.where('rule', '=', rule)
  if (sink !== undefined) query = query.where('sink', '=', sink)
  if (repository !== undefined) query = query.where('repository', '=', repository)
  return query
}

/** Syncs that were read back, also those that had nothing to change. */
const confirmedIn = ({ db, tenant }: Api, { environment, rule, sink }: Place) => {
  let query = db
    .selectFrom('syncs')
    .where('tenant', '=', tenant)
    .where('environment', '=', environment)
    .where('status', '=', 'confirmed')
  if (rule !== undefined) query = query.where('rule', '=', rule)
  if (sink !== undefined) query = query.where('sink', '=', sink)
  return query
}

export type Bound = {
  readonly seq: number
  readonly commit: string
  readonly repository: string
  /** Those that held what was there then. */
  readonly sinks: readonly string[]
}

/** When a commit or a run was confirmed last; null when nothing here ever heard of it. */
export const findBound = async (api: Api, place: Place, moment: string): Promise<Bound | null> => {
  const isRun = runPattern.test(moment)
  if (!isRun && !commitPattern.test(moment)) return null
  const like = `${moment.toLowerCase()}%`
  const told = changesIn(api, place).select(['commit', 'repository', 'sink', 'seq'])
  const confirmed = confirmedIn(api, place).select([
    sql<string>`commit`.as('commit'),
    sql<string>`repository`.as('repository'),
    'sink',
    'last_seq as seq',
  ])
  const found = isRun
    ? told.where('run', '=', moment).unionAll(confirmed.where('run', '=', moment))
    : told.where('commit', 'like', like).unionAll(confirmed.where('commit', 'like', like))
  const commits = await api.db
    .selectFrom(found.as('found'))
    .where('repository', 'is not', null)
    .select(({ fn }) => [
      'commit',
      'repository',
      fn.max('seq').as('seq'),
      sql<string[]>`array_agg(distinct sink order by sink)`.as('sinks'),
    ])
    .groupBy(['commit', 'repository'])
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
