/**
 * The shape of `headway.yaml`. From these lines come the types, the checks and the JSON Schema that
 * editors use (`schemas/config.schema.json`), so what an editor accepts and what `apply` accepts is one
 * thing. Keywords that JSON Schema does not know (`duration`, `size`, `secret`) are for our own checks
 * in `walk.ts`; editors pass over them.
 */
import { Type, type Static } from 'typebox'
import { contentKinds } from '../content/kind.ts'
import { versionStrategies } from '../definitions.ts'
import { assetKeyPattern, namePattern } from '../ids.ts'
import { durationPattern, sizePattern } from './units.ts'

const secondMs = 1_000
const dayMs = 86_400_000
/** Longer than this a timer of the runtime fires at once. */
const timerMsMax = 24 * dayMs

type Range = { readonly min: number; readonly max: number; readonly step?: number }
type Said = { readonly examples?: readonly string[]; readonly default?: string | number }

const strict = { additionalProperties: false } as const

const requiredDuration = (description: string, range: Range, said: Said = {}) =>
  Type.Unsafe<string | number>({
    type: ['string', 'integer'],
    pattern: durationPattern,
    patternErrorMessage: 'a duration is a number and a unit: 500ms, 20s, 5m, 2h, 1d, or 0 for none',
    minimum: 0,
    maximum: 0,
    description,
    ...said,
    duration: range,
  })

const duration = (...said: Parameters<typeof requiredDuration>) =>
  Type.Optional(requiredDuration(...said))

const name = (description: string, said: Said = {}) =>
  Type.String({
    pattern: namePattern,
    patternErrorMessage:
      'a name has letters, digits, _ and -, begins with a letter or digit and has at most 64 characters',
    description,
    ...said,
  })

const text = (description: string, said: Said = {}) =>
  Type.String({ minLength: 1, description, ...said })

/** Never the secret itself: the file is checked in and the log keeps what it says for good. */
const secret = (description: string) =>
  Type.String({
    pattern: '^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)$',
    patternErrorMessage:
      'a secret is named, never written: put the value into an environment variable of the fetcher ' +
      'and write env:NAME, or into a file and write file:/path',
    description,
    examples: ['env:PIMS_PROD_TOKEN', 'file:/run/secrets/pims-prod-token'],
    secret: true,
  })

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
    kind: Type.Enum([...contentKinds], { description: 'What the bytes are' }),
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

const Pipeline = Type.Object(
  {
    folder: Type.String({
      pattern: '^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$',
      patternErrorMessage:
        'a folder is a path below the pipelines root: letters, digits, _, - and /',
      description: 'The folder with the code, below the pipelines root (deploy/pipelines)',
    }),
    slots: Type.Record(
      Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
      Type.String({
        pattern: assetKeyPattern,
        patternErrorMessage:
          'an asset key has parts of letters, digits, _, - and . between slashes',
      }),
      {
        ...strict,
        keyErrorMessage: 'is no slot name: those have letters, digits, _ and -',
        description: "The pipeline's inputs: slot name → asset, or output/<pipeline>/<name>",
      },
    ),
    pool: Type.Optional(name('The pool of workers that runs it', { default: 'default' })),
    debounce: Type.Optional(
      Type.Object(
        {
          quiet: duration(
            'Run when no input changed for this long',
            { min: 0, max: timerMsMax },
            { default: '2s' },
          ),
          maxWait: duration(
            'Run at the latest this long after the first change',
            { min: 0, max: timerMsMax },
            { default: '30s' },
          ),
        },
        { ...strict, description: 'Changes that come together make one run' },
      ),
    ),
    retry: Type.Optional(
      Type.Object(
        {
          attempts: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 100, default: 3, description: 'Attempts in all' }),
          ),
          backoff: duration(
            'Pause before the second attempt; doubles each time',
            { min: 0, max: timerMsMax },
            { default: '1s' },
          ),
          maxBackoff: duration('Longest pause', { min: 0, max: timerMsMax }, { default: '30s' }),
        },
        { ...strict, description: 'What happens when an attempt fails' },
      ),
    ),
    concurrency: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000,
        default: 1,
        description: 'Runs at the same time. With 1, outputs appear in the order of their inputs',
      }),
    ),
    stepTimeout: duration('For one step', { min: 100, max: timerMsMax }, { default: '60s' }),
    runTimeout: duration(
      'For one attempt of a run',
      { min: 100, max: timerMsMax },
      { default: '5m' },
    ),
    disabledSteps: Type.Optional(
      Type.Array(Type.String(), { description: 'Steps that are skipped, by their id' }),
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
  },
  strict,
)

export type ConfigFile = Static<typeof ConfigFile>
export type AssetEntry = Static<typeof Asset>
export type PipelineEntry = Static<typeof Pipeline>

const ourKeywords = new Set(['duration', 'size', 'secret', 'keyErrorMessage'])

/** The text of `schemas/config.schema.json`. */
export const configJsonSchema = (): string => {
  const head = { $schema: 'http://json-schema.org/draft-07/schema#', title: 'headway.yaml' }
  const plain = (key: string, value: unknown): unknown => (ourKeywords.has(key) ? undefined : value)
  return `${JSON.stringify({ ...head, ...ConfigFile }, plain, 2)}\n`
}
