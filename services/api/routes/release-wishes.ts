/**
 * Which version new runs use, and which nobody may use any more. A decision about releases is taken on
 * what the log says of them now and is recorded only if nobody wrote there meanwhile, so two people who
 * activate at once cannot both believe that they did.
 */
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { toTimestamp } from '@headway/schemas/ids.ts'
import type { Event } from '@headway/schemas/events.ts'
import type { Commit, Topic } from '@headway/schemas/ports.ts'
import { base, type Api, type Routes } from '../api.ts'
import { isSame } from '../canonical.ts'
import { requirePipeline, type DefinedPipeline } from '../finding.ts'
import { Problem, unknown } from '../problem.ts'
import { AcceptedShape, IdParams } from '../shapes.ts'
import { actorOf, keyOf, keyReused, ReasonBody, wishId, written } from '../write.ts'
import { releasesOf, stateOf, type ReleaseRow } from './releases.ts'

const tries = 5
const projectedMs = 3_000

const ReleaseParams = Type.Object({ pipeline: Type.String(), version: Type.String() })
const Decided = Type.Object({
  ...AcceptedShape.properties,
  pipelineId: Type.String(),
  version: Type.String(),
})

type Facts = { readonly pipeline: DefinedPipeline; readonly releases: readonly ReleaseRow[] }
/** The version it is about; null when that is how it is already. Throws when it must not be. */
type Decide = (facts: Facts) => { readonly version: string; readonly isChange: boolean }

/** The releases as they are after everything that the log says of them. */
const factsAt = async (api: Api, pipeline: string, seq: number): Promise<Facts> => {
  const projected = await api.position.reached(seq, projectedMs, api.signal)
  if (projected < seq)
    throw new Problem(503, 'not_projected_yet', 'the read models are behind the log: try again', {
      headers: { 'retry-after': '1' },
    })
  const [row, releases] = await Promise.all([
    requirePipeline(api, pipeline),
    releasesOf(api, pipeline),
  ])
  return { pipeline: row, releases }
}

type Type = 'ReleaseActivated' | 'ReleaseRetired'

/** What this key was used for before, however long ago: the log has the ids of all its commits. */
const findEarlier = async (
  { log, tenant, signal }: Api,
  topic: Topic,
  id: string,
  last: Commit,
) => {
  const stop = new AbortController()
  const until = AbortSignal.any([stop.signal, signal])
  for await (const commits of log.tail({ from: 1, tenant, topic, signal: until })) {
    const found = commits.find((commit) => commit.id === id)
    if (found) return found
    if (commits.at(-1)!.seq >= last.seq) break
  }
  return null
}

const asBefore = (commit: Commit, type: Type, request: FastifyRequest) => {
  const [first] = commit.events
  const { version: named } = request.params as { version?: string }
  if (first?.type !== type || !isSame(first.actor, actorOf(request, request.body)))
    throw keyReused()
  const { pipeline: pipelineId, pipelineVersion: version } = first
  if (named !== undefined && named !== version) throw keyReused()
  return { pipelineId, version, seq: commit.seq, status: 'accepted' }
}

const decided = async (
  api: Api,
  request: FastifyRequest,
  pipeline: string,
  type: Type,
  decide: Decide,
) => {
  const { log, tenant, clock } = api
  const topic = { kind: 'release' as const, name: pipeline }
  const id = `api-${tenant}-${wishId(request, topic, type)}`
  for (let i = 0; i < tries; i++) {
    const last = await written(api, log.last(tenant, topic))
    const before = last && keyOf(request) && (await findEarlier(api, topic, id, last))
    if (before) return asBefore(before, type, request)
    const expect = last?.seq ?? 0
    const { version, isChange } = decide(await factsAt(api, pipeline, expect))
    const told = { pipelineId: pipeline, version }
    if (!isChange) return { ...told, seq: expect, status: 'unchanged' }
    const event: Event = {
      type,
      v: 1,
      at: toTimestamp(clock.now()),
      pipeline,
      pipelineVersion: version,
      actor: actorOf(request, request.body),
    }
    const commit = { tenant, topic, id, events: [event], source: 'api', expect }
    const appended = await written(api, log.append(commit))
    if (appended.outcome === 'stored') return { ...told, seq: appended.seq, status: 'accepted' }
  }
  throw new Problem(
    409,
    'conflict',
    'others decide about these releases right now: look, try again',
  )
}

const find = ({ releases }: Facts, pipeline: string, version: string): ReleaseRow => {
  const row = releases.find((one) => one.pipeline_version === version)
  if (!row) throw unknown('release', `${pipeline}/${version}`, `releases?pipeline=${pipeline}`)
  return row
}

const retired = (version: string): Problem =>
  new Problem(409, 'release_retired', `version ${version} is retired; nothing may run on it`)

const refuseRetiring = (row: ReleaseRow): void => {
  const state = stateOf(row)
  const { pipeline, pipeline_version: version, open_runs: count } = row
  if (state === 'active')
    throw new Problem(409, 'release_active', `${version} is active: activate another version first`)
  if (count === 0) return
  const href = `${base}/releases/${pipeline}/${version}`
  throw new Problem(
    409,
    'release_in_use',
    `${count} ${count === 1 ? 'run' : 'runs'} on ${version} have not ended; GET ${href} shows them`,
    { state, openRunCount: count },
  )
}

export const releaseWishesRoutes: Routes = (app, api) => {
  const schema = {
    tags: ['releases'],
    params: ReleaseParams,
    body: ReasonBody,
    response: { 200: Decided, 202: Decided },
  }
  app.post(
    `${base}/releases/:pipeline/:version/activate`,
    {
      config: { role: 'releaser' },
      schema: { summary: 'Make new runs use this version', ...schema },
    },
    async (request, reply) => {
      const { pipeline, version } = request.params
      const answer = await decided(api, request, pipeline, 'ReleaseActivated', (facts) => {
        const row = find(facts, pipeline, version)
        if (stateOf(row) === 'retired') throw retired(version)
        return { version, isChange: stateOf(row) !== 'active' }
      })
      return reply.code(answer.status === 'accepted' ? 202 : 200).send(answer)
    },
  )
  app.post(
    `${base}/releases/:pipeline/:version/retire`,
    {
      config: { role: 'releaser' },
      schema: { summary: 'Let nothing be pinned to this version any more', ...schema },
    },
    async (request, reply) => {
      const { pipeline, version } = request.params
      const answer = await decided(api, request, pipeline, 'ReleaseRetired', (facts) => {
        const row = find(facts, pipeline, version)
        if (stateOf(row) === 'retired') return { version, isChange: false }
        refuseRetiring(row)
        return { version, isChange: true }
      })
      return reply.code(answer.status === 'accepted' ? 202 : 200).send(answer)
    },
  )
  app.post(
    `${base}/pipelines/:id/rollback`,
    {
      config: { role: 'releaser' },
      schema: {
        summary: 'Make the version active that was so before',
        tags: ['releases', 'pipelines'],
        params: IdParams,
        body: ReasonBody,
        response: { 202: Decided },
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const answer = await decided(
        api,
        request,
        id,
        'ReleaseActivated',
        ({ pipeline, ...facts }) => {
          const { previous_version: version } = pipeline
          if (version === null)
            throw new Problem(409, 'nothing_to_roll_back_to', `${id} had one active version so far`)
          const row = find({ pipeline, ...facts }, id, version)
          if (stateOf(row) === 'retired') throw retired(version)
          return { version, isChange: true }
        },
      )
      return reply.code(202).send(answer)
    },
  )
}
