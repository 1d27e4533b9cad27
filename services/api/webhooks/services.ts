/**
 * The same intake for programs on NATS: `ProcessWebhook` takes a delivery as a platform sent it to
 * somebody else, `TriggerSync` asks for a repository. Signatures are checked here as over HTTP.
 */
import { randomUUID } from 'node:crypto'
import { Type, type Static, type TSchema } from 'typebox'
import { Check } from 'typebox/value'
import { sha256 } from '@headway/schemas/ids.ts'
import type { Services } from '@headway/schemas/ports.ts'
import { version, type Api } from '../api.ts'
import { Problem } from '../problem.ts'
import { requestSync, WantedSync } from './manual.ts'
import { receive, tooOften } from './receive.ts'

const Delivery = Type.Object(
  {
    source: Type.String(),
    headers: Type.Record(Type.String(), Type.String()),
    /** The body as it came, as text or, when it is to be kept byte for byte, in base64. */
    payload: Type.Optional(Type.String()),
    payloadBase64: Type.Optional(Type.String()),
    dryRun: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
const Wanted = Type.Object(
  {
    ...WantedSync.properties,
    source: Type.String(),
    actor: Type.Optional(Type.String({ maxLength: 200 })),
    /** The same key is the same request. */
    key: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  },
  { additionalProperties: false },
)
const Answer = Type.Object({
  task: Type.Optional(Type.String()),
  tasks: Type.Optional(Type.Array(Type.String())),
  repeated: Type.Optional(Type.Boolean()),
  status: Type.String(),
  reason: Type.Optional(Type.String()),
})

const checked = <T extends TSchema>(shape: T, given: unknown): Static<T> => {
  if (Check(shape, given)) return given
  throw new Problem(
    400,
    'bad_request',
    'the request does not fit its schema: `nats service info` shows it',
  )
}

const lowerCase = (headers: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

const processWebhook = async (api: Api, given: unknown): Promise<Static<typeof Answer>> => {
  const { source, headers, payload = '', payloadBase64, dryRun = false } = checked(Delivery, given)
  const waitMs = api.limits.addresses.take(`${source} nats`, performance.now())
  if (waitMs > 0) throw tooOften(waitMs, 'NATS')
  const body =
    payloadBase64 === undefined ? Buffer.from(payload) : Buffer.from(payloadBase64, 'base64')
  const { outcome } = await receive(api, { source, headers: lowerCase(headers), body, dryRun })
  return 'ignored' in outcome
    ? { status: 'ignored', reason: outcome.ignored }
    : { ...outcome, tasks: [...outcome.tasks], status: 'accepted' }
}

const triggerSync = async (api: Api, given: unknown): Promise<Static<typeof Answer>> => {
  const { source, actor = 'nats', key, ...wanted } = checked(Wanted, given)
  const id = key === undefined ? randomUUID() : sha256(key)
  const { task, repeated } = await requestSync(api, source, wanted, { actor, id })
  return { task, repeated, status: 'accepted' }
}

/** Resolves when both are found by `nats service list`. */
export const serveWebhookServices = async (api: Api, services: Services): Promise<void> => {
  const common = { tenant: api.tenant, version, response: Answer }
  await Promise.all([
    services.serve(
      {
        ...common,
        name: 'ProcessWebhook',
        description: 'Takes a delivery of a Git platform; answers with the task to follow',
        request: Delivery,
        answer: (request) => processWebhook(api, request),
      },
      api.signal,
    ),
    services.serve(
      {
        ...common,
        name: 'TriggerSync',
        description: 'Brings a repository’s configuration to its sinks; answers with the task',
        request: Wanted,
        answer: (request) => triggerSync(api, request),
      },
      api.signal,
    ),
  ])
}
