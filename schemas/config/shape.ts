/**
 * The shape of `headway.yaml`. From these lines come the types, the checks and the JSON Schema that
 * editors use (`schemas/config.schema.json`), so what an editor accepts and what `apply` accepts is one
 * thing. Keywords that JSON Schema does not know (`duration`, `size`, `secret`) are for our own checks
 * in `walk.ts`; editors pass over them.
 */
import { Type, type Static } from 'typebox'
import { feedKinds } from '../content/kind.ts'
import { versionStrategies } from '../definitions.ts'
import { assetKeyPattern, namePattern } from '../ids.ts'
import {
  dayMs,
  duration,
  name,
  requiredDuration,
  secondMs,
  secret,
  strict,
  text,
} from './fields.ts'
import { Pipeline } from './pipeline-shape.ts'
import { Rules, Sinks, Sources } from './sync-shape.ts'
import { sizePattern } from './units.ts'

const Auth = Type.Object(
  {
    header: Type.Optional(
      Type.Object(
        {
          name: text('Name of the header', { examples: ['X-Api-Key'] }),
          value: secret('Its value'),
        },
        strict,
      ),
    ),
    query: Type.Optional(
      Type.Object(
        {
          name: text('Name of the parameter', { examples: ['api_key'] }),
          value: secret('Its value'),
        },
        strict,
      ),
    ),
    basic: Type.Optional(
      Type.Object({ username: text('User name'), password: secret('Password') }, strict),
    ),
    bearer: Type.Optional(Type.Object({ token: secret('Token') }, strict)),
  },
  {
    ...strict,
    minProperties: 1,
    maxProperties: 1,
    description: 'How the fetcher shows who it is: one of header, query, basic, bearer',
  },
)

const RateLimit = Type.Object(
  {
    key: name('All assets with the same key share one budget'),
    requests: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description: 'Requests in that time',
    }),
    per: requiredDuration('That time', { min: secondMs, max: 30 * dayMs }, { examples: ['1h'] }),
  },
  { ...strict, description: 'Shared by all fetchers' },
)

const Asset = Type.Object(
  {
    kind: Type.Enum([...feedKinds], { description: 'What the bytes are' }),
    url: Type.Optional(
      text(
        'Where it is fetched from. Left out for assets that are pushed. ${VAR:-default} is replaced ' +
          'by an environment variable of whoever applies the file',
        { examples: ['https://example.org/gtfs/vehicle_positions.pb'] },
      ),
    ),
    every: duration(
      'How often to look, in whole seconds. Left out: only when somebody asks',
      { min: secondMs, max: 30 * dayMs, step: secondMs },
      { examples: ['5s', '1m', '6h'] },
    ),
    strategy: Type.Optional(
      Type.Enum([...versionStrategies], {
        description:
          'content_hash: a new version when the content changed. timestamp: every full answer is one',
        default: 'content_hash',
      }),
    ),
    auth: Type.Optional(Auth),
    headers: Type.Optional(
      Type.Record(Type.String(), Type.String({ secret: true, maxLength: 1_000 }), {
        description: 'More request headers; never secrets, those go to auth',
        examples: [{ 'User-Agent': 'feeds@example.org' }],
      }),
    ),
    fullFetchEvery: duration(
      'How often to ask without validators, because a 304 can lie; in whole seconds',
      { min: secondMs, max: 30 * dayMs, step: secondMs },
      { default: '6h' },
    ),
    timeout: duration('For one answer in all', { min: 100, max: dayMs }, { default: '30s' }),
    maxBytes: Type.Optional(
      Type.Unsafe<string | number>({
        type: ['string', 'integer'],
        pattern: sizePattern,
        patternErrorMessage: 'a size is a number and a unit: 200MB, 64KiB, 1GiB',
        minimum: 1,
        maximum: 2_147_483_647,
        description: 'Longest body that is taken, after decompression',
        default: '256MiB',
        size: { min: 1, max: 2_147_483_647 },
      }),
    ),
    redirects: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 20,
        default: 5,
        description: 'Redirects that are followed',
      }),
    ),
    rateLimit: Type.Optional(RateLimit),
    fresh: duration(
      'The asset is stale when nothing good was seen for this long',
      { min: secondMs, max: 366 * dayMs },
      { examples: ['2m', '26h'] },
    ),
  },
  strict,
)

export const ConfigFile = Type.Object(
  {
    tenant: Type.Optional(name('Whose assets and pipelines these are', { default: 'default' })),
    assets: Type.Optional(
      Type.Record(Type.String({ pattern: assetKeyPattern }), Asset, {
        ...strict,
        keyErrorMessage:
          'is no asset key: one to eight parts of letters, digits, _, - and . between slashes',
        description: 'Named things that change, such as pims/prod/vehicle_positions',
      }),
    ),
    pipelines: Type.Optional(
      Type.Record(Type.String({ pattern: namePattern }), Pipeline, {
        ...strict,
        keyErrorMessage:
          'is no pipeline id: those have letters, digits, _ and - and begin with a letter or digit',
        description: 'What runs when assets change, such as st-realtime-production',
      }),
    ),
    sources: Type.Optional(Sources),
    sinks: Type.Optional(Sinks),
    rules: Type.Optional(Rules),
  },
  strict,
)

export type ConfigFile = Static<typeof ConfigFile>
export type AssetEntry = Static<typeof Asset>
export type { PipelineEntry } from './pipeline-shape.ts'

const ourKeywords = new Set(['duration', 'size', 'secret', 'keyErrorMessage', 'anything'])

/** The text of `schemas/config.schema.json`. */
export const configJsonSchema = (): string => {
  const head = { $schema: 'http://json-schema.org/draft-07/schema#', title: 'headway.yaml' }
  const plain = (key: string, value: unknown): unknown => (ourKeywords.has(key) ? undefined : value)
  return `${JSON.stringify({ ...head, ...ConfigFile }, plain, 2)}\n`
}
