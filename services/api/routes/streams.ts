/**
 * What the server holds for Headway beside what the code wants of it: every stream, who reads it, how much
 * waits, and the options that are others. Queues of other tenants are not shown.
 */
import { Type, type Static } from 'typebox'
import type { ConsumerState, ServerState, StreamState } from '@headway/streams/inspect.ts'
import { base, type Api, type Routes } from '../api.ts'
import { Problem } from '../problem.ts'
import { Nullable, Seq, Time } from '../shapes.ts'

const Count = Type.Integer()
const Limit = Nullable(Count)
const Drift = Type.Object({
  option: Type.String(),
  wanted: Type.Unknown({ description: 'what the code says' }),
  actual: Type.Unknown({ description: 'what the server has; null: not set' }),
})
const Consumer = Type.Object({
  name: Type.String(),
  durable: Type.Boolean({ description: 'a queue; otherwise a reader that goes with its room' }),
  filters: Type.Array(Type.String()),
  pending: Type.Integer({ description: 'not delivered yet' }),
  ackPending: Type.Integer({ description: 'delivered and not settled' }),
  ackPendingMax: Limit,
  redelivered: Type.Integer({ description: 'of these, delivered more than once' }),
  asking: Type.Integer({ description: 'requests that wait for messages' }),
  deliveredSeq: Seq,
  settledSeq: Seq,
  activeAt: Nullable(Time),
  drift: Type.Array(Drift),
})
const Stream = Type.Object({
  name: Type.String(),
  description: Type.String(),
  messages: Count,
  bytes: Count,
  subjects: Count,
  firstSeq: Seq,
  lastSeq: Seq,
  firstAt: Nullable(Time),
  lastAt: Nullable(Time),
  storage: Type.String(),
  replicas: Count,
  limits: Type.Object({ bytes: Limit, messages: Limit, ageMs: Limit, messageBytes: Limit }),
  drift: Nullable(Type.Array(Drift), { description: 'null: the stream is not there' }),
  consumers: Type.Array(Consumer),
})
const Streams = Type.Object({
  server: Type.Object({
    version: Type.String(),
    roundTripMs: Type.Number(),
    skewMs: Type.Integer({ description: 'its clock less that of the API' }),
    store: Type.Object({ bytes: Count, bytesMax: Limit }),
  }),
  status: Type.Enum(['ok', 'degraded']),
  streams: Type.Array(Stream),
})

const consumerOf = (state: ConsumerState): Static<typeof Consumer> => {
  const { name, isDurable, filters, drift, pending, ackPending, ackPendingMax } = state
  const { redelivered, asking, deliveredSeq, settledSeq, activeAt } = state
  const waits = { pending, ackPending, ackPendingMax, redelivered, asking }
  const place = { deliveredSeq, settledSeq, activeAt }
  const lists = { filters: [...filters], drift: [...drift] }
  return { name, durable: isDurable, ...lists, ...waits, ...place }
}

const streamOf = (
  state: StreamState,
  consumers: readonly ConsumerState[],
): Static<typeof Stream> => ({
  ...state,
  drift: state.drift && [...state.drift],
  consumers: consumers.filter(({ stream }) => stream === state.name).map(consumerOf),
})

const present = (
  { version, roundTripMs, skewMs, store, streams, consumers }: ServerState,
  tenant: string,
): Static<typeof Streams> => {
  const own = consumers.filter((one) => one.tenant === null || one.tenant === tenant)
  const isWell =
    streams.every(({ drift }) => drift?.length === 0) &&
    own.every(({ drift }) => drift.length === 0)
  return {
    server: { version, roundTripMs: Math.round(roundTripMs * 100) / 100, skewMs, store },
    status: isWell ? 'ok' : 'degraded',
    streams: streams.map((stream) => streamOf(stream, own)),
  }
}

const look = async ({ inspect, logger }: Api): Promise<ServerState> => {
  try {
    if (inspect) return await inspect()
  } catch (error) {
    logger.warn({ error: String(error) }, 'the server could not be looked at')
  }
  throw new Problem(503, 'log_unavailable', 'NATS does not answer: try again in a moment', {
    headers: { 'retry-after': '2' },
  })
}

export const streamsRoutes: Routes = (app, api) => {
  app.get(
    `${base}/streams`,
    {
      config: { role: 'viewer', unprojected: true },
      schema: {
        summary: 'Streams and consumers, and what about them is not as the code says',
        tags: ['health'],
        response: { 200: Streams },
      },
    },
    async (_, reply) => {
      void reply.header('cache-control', 'no-store')
      return present(await look(api), api.tenant)
    },
  )
}
