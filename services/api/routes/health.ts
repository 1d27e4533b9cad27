/**
 * Two questions. `/health` is the process's pulse and asks nobody: restarting the API mends neither
 * NATS nor Postgres. `/health/deep` asks everything that answers and work need; 503 names what is down.
 */
import { Type, type Static } from 'typebox'
import { version, type Api, type Routes } from '../api.ts'

const askMsMax = 2_000
/** A projector that is behind and alive moves within this time. */
const moveMs = 1_000

const Check = Type.Object({
  status: Type.Enum(['ok', 'behind', 'down']),
  detail: Type.Optional(Type.String()),
  roundTripMs: Type.Optional(Type.Number()),
})
const Deep = Type.Object({
  status: Type.Enum(['ok', 'degraded', 'down']),
  checks: Type.Object({
    nats: Check,
    postgres: Check,
    projector: Type.Object({
      ...Check.properties,
      headSeq: Type.Optional(Type.Integer()),
      projectedSeq: Type.Optional(Type.Integer()),
      lag: Type.Optional(Type.Integer()),
    }),
    workers: Type.Object({ ...Check.properties, connected: Type.Optional(Type.Integer()) }),
  }),
})
type Deep = Static<typeof Deep>
type Check = Static<typeof Check>

const timed = async <T>(
  work: () => Promise<T>,
): Promise<{ readonly check: Check; readonly value: T | null }> => {
  const startedAt = performance.now()
  let timer: NodeJS.Timeout | undefined
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer in ${askMsMax} ms`)), askMsMax)
    })
    const value = await Promise.race([work(), late])
    const roundTripMs = Math.round((performance.now() - startedAt) * 100) / 100
    return { check: { status: 'ok', roundTripMs }, value }
  } catch (error) {
    const { message, code } = error as Error & { code?: string }
    return { check: { status: 'down', detail: message || code || 'no answer' }, value: null }
  } finally {
    clearTimeout(timer)
  }
}

const projectorCheck = async (
  api: Api,
  headSeq: number | null,
  projectedSeq: number | null,
): Promise<Deep['checks']['projector']> => {
  if (headSeq === null || projectedSeq === null)
    return { status: 'down', detail: 'cannot be told while NATS or Postgres is down' }
  const now =
    projectedSeq >= headSeq
      ? projectedSeq
      : await api.position.reached(headSeq, moveMs, api.signal).catch(() => projectedSeq)
  const found = { headSeq, projectedSeq: now, lag: Math.max(0, headSeq - now) }
  if (found.lag === 0) return { status: 'ok', ...found }
  return now > projectedSeq
    ? { status: 'behind', detail: 'it is catching up', ...found }
    : { status: 'down', detail: `it has not moved for ${moveMs} ms: is it running?`, ...found }
}

const countsOf = ({ db, tenant }: Api) =>
  db
    .selectNoFrom((eb) => [
      eb.selectFrom('position').select('seq').as('seq'),
      eb
        .selectFrom('workers')
        .select((e) => e.fn.countAll<number>().as('n'))
        .where('tenant', '=', tenant)
        .where('status', 'in', ['healthy', 'draining'])
        .as('connected'),
      eb
        .selectFrom('pipelines')
        .select((e) => e.fn.countAll<number>().as('n'))
        .where('tenant', '=', tenant)
        .where('removed', '=', false)
        .as('pipelines'),
    ])
    .executeTakeFirstOrThrow()

/** That nobody works is worth saying and no reason to take the API out of service. */
const workersCheck = (counts: Awaited<ReturnType<typeof countsOf>> | null) => {
  if (!counts) return { status: 'down' as const, detail: 'cannot be told while Postgres is down' }
  const connected = Number(counts.connected ?? 0)
  if (connected > 0 || Number(counts.pipelines ?? 0) === 0)
    return { status: 'ok' as const, connected }
  return {
    status: 'behind' as const,
    detail: 'pipelines are defined and nobody runs them: start a worker',
    connected,
  }
}

const look = async (api: Api): Promise<Deep> => {
  const [nats, postgres] = await Promise.all([
    timed(() => api.log.head()),
    timed(() => countsOf(api)),
  ])
  const checks = {
    nats: nats.check,
    postgres: postgres.check,
    projector: await projectorCheck(
      api,
      nats.value?.seq ?? null,
      postgres.value ? Number(postgres.value.seq ?? 0) : null,
    ),
    workers: workersCheck(postgres.value),
  }
  const found = Object.values(checks).map(({ status }) => status)
  const status = found.includes('down') ? 'down' : found.includes('behind') ? 'degraded' : 'ok'
  return { status, checks }
}

export const healthRoutes: Routes = (app, api) => {
  const config = { role: 'public' as const, anyMedia: true, unprojected: true }
  app.get(
    '/health',
    {
      config,
      schema: {
        summary: 'The process lives',
        tags: ['health'],
        response: {
          200: Type.Object({
            status: Type.Literal('ok'),
            version: Type.String(),
            uptimeMs: Type.Integer(),
          }),
        },
      },
    },
    () => ({
      status: 'ok' as const,
      version,
      uptimeMs: Math.round(performance.now() - api.startedAt),
    }),
  )
  app.get(
    '/health/deep',
    {
      config,
      schema: {
        summary: 'NATS, Postgres, the projector and the workers',
        tags: ['health'],
        response: { 200: Deep, 503: Deep },
      },
    },
    async (_, reply) => {
      const deep = await look(api)
      void reply.header('cache-control', 'no-store')
      return reply.code(deep.status === 'down' ? 503 : 200).send(deep)
    },
  )
}
