/**
 * One delivery, from raw bytes to a task: its signature over exactly these bytes, then what it tells of,
 * then the log. Over HTTP and over NATS alike.
 */
import { sha256 } from '@headway/schemas/ids.ts'
import type { SourceDefinition } from '@headway/schemas/rules/definition.ts'
import type { Api } from '../api.ts'
import { Problem, unknown } from '../problem.ts'
import { written } from '../write.ts'
import { platforms } from './index.ts'
import type { Arrival } from './intake.ts'
import { readKeys } from './keys.ts'
import type { Headers, Platform, Push } from './platform.ts'
import type { Source } from './sources.ts'

export type Delivered = {
  readonly source: string
  readonly headers: Headers
  readonly body: Uint8Array
  readonly dryRun: boolean
}

export type Received = {
  /** False when nobody looked at the signature, because the source says so. */
  readonly verified: boolean
  readonly outcome:
    | { readonly ignored: string }
    | { readonly task: string; readonly tasks: readonly string[]; readonly repeated: boolean }
}

export type DefinedSource = Source & { readonly definition: SourceDefinition }

export const requireSource = async (api: Api, name: string): Promise<DefinedSource> => {
  await written(api, api.sources.follow())
  const source = api.sources.get(name)
  if (!source?.definition) throw unknown('source', name, 'sources')
  return source as DefinedSource
}

const badSignature = (source: string): Problem =>
  new Problem(
    401,
    'bad_signature',
    `none of the keys of source ${source} signed this body: set the same secret on both sides`,
  )

const checkSignature = async (
  api: Api,
  platform: Platform,
  { name, definition: { webhook } }: DefinedSource,
  { headers, body }: Delivered,
): Promise<boolean> => {
  if (webhook?.verify === false) {
    api.logger.warn({ source: name }, 'a delivery was taken without a look at its signature')
    return false
  }
  const now = api.clock.now()
  const { values, missing } = await readKeys(webhook?.keys ?? [], now)
  if (platform.signed(headers, body, values, now)) return true
  if (missing.length === 0 && values.length > 0) throw badSignature(name)
  api.logger.error({ source: name, missing }, 'keys of a source are not there')
  throw new Problem(
    503,
    'source_keys_unavailable',
    `the keys of source ${name} cannot be read here, so nothing of it is taken: send it again`,
    { headers: { 'retry-after': '30' } },
  )
}

const readPayload = (body: Uint8Array): unknown => {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    const payload: unknown = JSON.parse(text)
    if (typeof payload === 'object' && payload !== null) return payload
  } catch {
    // Told below.
  }
  throw new Problem(400, 'malformed_json', 'the body is not a JSON object')
}

const deliveryMax = 200

/** The platform's own name of the delivery, else its bytes'. */
const deliveryOf = (platform: Platform, { headers, body }: Delivered): string => {
  const given = platform.delivery(headers)?.trim() ?? ''
  if (given === '') return `sha256:${sha256(body)}`
  const isPlain = given.length <= deliveryMax && !/\p{Control}/u.test(given)
  return isPlain ? given : `sha256:${sha256(given)}`
}

/** A dry run is a delivery of its own, so that the real one is not taken for its repetition. */
const arrivalsOf = (
  delivery: string,
  platform: SourceDefinition['platform'],
  pushes: readonly Push[],
  dryRun: boolean,
): readonly Arrival[] =>
  pushes.map((push, i) => ({
    delivery: `${delivery}${i > 0 ? `#${i}` : ''}${dryRun ? '#dry-run' : ''}`,
    platform,
    ...push,
    dryRun,
  }))

export const receive = async (api: Api, delivered: Delivered): Promise<Received> => {
  const source = await requireSource(api, delivered.source)
  const platform: Platform = platforms[source.definition.platform]
  const verified = await checkSignature(api, platform, source, delivered)
  const { sources } = api.limits
  const waitMs = sources.take(source.name, performance.now())
  if (waitMs > 0) throw tooOften(waitMs, `source ${source.name}`, sources.tell(source.name))
  const told = platform.read(delivered.headers, readPayload(delivered.body))
  if (told === null)
    throw new Problem(
      400,
      'bad_payload',
      `this is no delivery of ${source.definition.platform}: a repository, a ref and a commit belong in it`,
    )
  if ('ignored' in told) return { verified, outcome: told }
  const { platform: name } = source.definition
  const arrivals = arrivalsOf(deliveryOf(platform, delivered), name, told, delivered.dryRun)
  const taken = await written(api, api.intake.take(source.name, arrivals))
  const tasks = taken.map(({ task }) => task)
  const repeated = taken.every((one) => one.repeated)
  return { verified, outcome: { task: tasks[0]!, tasks, repeated } }
}

export const tooOften = (waitMs: number, who: string, told = {}): Problem =>
  new Problem(429, 'too_many_deliveries', `${who} delivers more than is taken: wait a moment`, {
    headers: { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1_000))), ...told },
  })
