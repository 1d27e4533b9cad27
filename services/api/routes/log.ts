/**
 * The log as people read it: commits decoded, newest first, and one by its sequence. Nothing is ever
 * taken out of it, so a page is a range of sequences that is read in one go and filtered here; a filter
 * that finds little gives a short page and the place where the next one begins.
 */
import { Type, type Static } from 'typebox'
import { topicKinds, type Commit } from '@headway/schemas/ports.ts'
import { base, type Api, type Routes } from '../api.ts'
import { timeOf } from '../moments.ts'
import { unknown } from '../problem.ts'
import { Seq, Time } from '../shapes.ts'

/** How many sequences one request looks at, however few of them fit. */
const scannedMax = 3_000
const batch = 1_000
const limitDefault = 100

export const CommitShape = Type.Object({
  seq: Seq,
  at: Time,
  kind: Type.String({ description: 'what it is about: asset, pipeline, run, …' }),
  name: Type.String(),
  id: Type.String(),
  events: Type.Array(Type.Object({ type: Type.String() }, { additionalProperties: true })),
  problem: Type.Optional(Type.String({ description: 'why it could not be decoded' })),
})

const Query = Type.Object({
  before: Type.Optional(Type.Integer({ minimum: 1, description: 'only older ones' })),
  after: Type.Optional(Type.Integer({ minimum: 0, description: 'only newer ones' })),
  kind: Type.Optional(Type.Enum([...topicKinds])),
  type: Type.Optional(Type.String({ maxLength: 64, description: 'an event type in the commit' })),
  q: Type.Optional(Type.String({ maxLength: 200, description: 'part of a name, type or id' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
})

export const presentCommit = (commit: Commit): Static<typeof CommitShape> => ({
  seq: commit.seq,
  at: timeOf(commit.at),
  kind: commit.topic.kind,
  name: commit.topic.name,
  id: commit.id,
  events: [...commit.events],
  ...(commit.problem === undefined ? {} : { problem: commit.problem }),
})

/** Every commit from `from` to `to`; each sequence of the log is there. */
const range = async ({ log, signal }: Api, from: number, to: number): Promise<Commit[]> => {
  const found: Commit[] = []
  if (from > to) return found
  const enough = new AbortController()
  for await (const commits of log.tail({
    from,
    signal: AbortSignal.any([signal, enough.signal]),
  })) {
    found.push(...commits.filter(({ seq }) => seq <= to))
    if (commits.at(-1)!.seq >= to) break
  }
  enough.abort()
  return found
}

const fits =
  (tenant: string, { kind, type, q }: Static<typeof Query>) =>
  (commit: Commit): boolean =>
    commit.tenant === tenant &&
    (kind === undefined || commit.topic.kind === kind) &&
    (type === undefined || commit.events.some((event) => event.type === type)) &&
    (q === undefined ||
      `${commit.topic.kind} ${commit.topic.name}`.includes(q) ||
      JSON.stringify(commit.events).includes(q))

export const logRoutes: Routes = (app, api) => {
  app.get(
    `${base}/log`,
    {
      schema: {
        summary: 'Commits of the log, decoded, newest first',
        tags: ['log'],
        querystring: Query,
        response: { 200: Type.Array(CommitShape) },
      },
      config: { role: 'viewer', unprojected: true },
    },
    async (request, reply) => {
      const { before, after = 0, limit = limitDefault } = request.query
      const { seq: head } = await api.log.head()
      const found: Commit[] = []
      let to = Math.min(head, (before ?? head + 1) - 1)
      const end = Math.max(after, to - scannedMax)
      while (to > end && found.length < limit) {
        const from = Math.max(end + 1, to - batch + 1)
        found.push(
          ...(await range(api, from, to)).toReversed().filter(fits(api.tenant, request.query)),
        )
        to = from - 1
      }
      const shown = found.slice(0, limit)
      const next = found.length > limit ? shown.at(-1)!.seq : to + 1
      if (next > after + 1) {
        const url = new URL(request.originalUrl, 'http://localhost')
        url.searchParams.set('before', String(next))
        void reply.header('link', `<${url.pathname}${url.search}>; rel="next"`)
      }
      return shown.map(presentCommit)
    },
  )
  app.get(
    `${base}/log/:seq`,
    {
      schema: {
        summary: 'One commit by its sequence',
        tags: ['log'],
        params: Type.Object({ seq: Type.String({ pattern: '^[1-9][0-9]{0,14}$' }) }),
        response: { 200: CommitShape },
      },
      config: { role: 'viewer', unprojected: true },
    },
    async ({ params: { seq } }, reply) => {
      const commit = await api.log.at(Number(seq))
      if (commit?.tenant !== api.tenant) throw unknown('commit', seq, 'log')
      void reply.header('cache-control', 'public, max-age=31536000, immutable')
      return presentCommit(commit)
    },
  )
}
