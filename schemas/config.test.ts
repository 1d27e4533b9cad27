import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseDocument } from 'yaml'
import { problemWith } from './codec.ts'
import { ConfigError, diffConfig, parseConfig } from './config.ts'
import { configJsonSchema } from './config/shape.ts'
import { AssetDefinition, PipelineDefinition } from './definitions.ts'

const demo = readFileSync(new URL('../headway.yaml', import.meta.url), 'utf8')

const full = `
tenant: st
assets:
  pims/prod/vehicle_positions:
    url: \${AGENCY:-http://127.0.0.1:4410}/prod/vehicle_positions.pb
    every: 5s
    kind: gtfs_rt_protobuf
    strategy: timestamp
    auth: { header: { name: X-Api-Key, value: env:PIMS_PROD_TOKEN } }
    fullFetchEvery: 6h
    timeout: 1.5s
    maxBytes: 200MB
    redirects: 0
    rateLimit: { key: pims, requests: 60, per: 1h }
    fresh: 2m
    headers: { User-Agent: feeds@example.org }
  pushed: { kind: opaque_bytes }
pipelines:
  st-realtime-production:
    folder: realtime/st
    pool: production
    slots: { vehicle_positions: pims/prod/vehicle_positions, own: output/st-realtime-production/feed }
    debounce: { quiet: 0, maxWait: 5s }
    retry: { attempts: 1, backoff: 0, maxBackoff: 1m, nonRetryable: [SchemaError] }
    concurrency: 2
    stepTimeout: 10s
    runTimeout: 1m
    disabledSteps: [filter_stops]
    priority: -5
    newestWins: true
    activation: manual
  small: { folder: small, slots: {} }
`

/** `line:column path message` of every problem. */
const problemsOf = (text: string, env: Record<string, string> = {}): string[] => {
  try {
    parseConfig(text, 'headway.yaml', env)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map((p) => `${p.line}:${p.column} ${p.path} ${p.message}`)
  }
}

/** A file with one asset `a` and one pipeline `p`, and these lines in them. */
const fileWith = (asset: string, pipeline = '') =>
  [
    'assets:',
    '  a:',
    '    kind: csv_table',
    ...(asset ? [`    ${asset}`] : []),
    'pipelines:',
    '  p:',
    '    folder: p',
    ...(pipeline.startsWith('slots') ? [] : ['    slots: { in: a }']),
    ...(pipeline ? [`    ${pipeline}`] : []),
  ].join('\n')

describe('a file that is right', () => {
  test('every field becomes what the log keeps', () => {
    expect(parseConfig(full, 'headway.yaml', {})).toEqual({
      tenant: 'st',
      assets: {
        'pims/prod/vehicle_positions': {
          kind: 'gtfs_rt_protobuf',
          strategy: 'timestamp',
          url: 'http://127.0.0.1:4410/prod/vehicle_positions.pb',
          auth: { type: 'header', name: 'X-Api-Key', value: 'env:PIMS_PROD_TOKEN' },
          headers: { 'User-Agent': 'feeds@example.org' },
          cadenceMs: 5_000,
          fullFetchMs: 21_600_000,
          timeoutMs: 1_500,
          sizeBytesMax: 200_000_000,
          redirectsMax: 0,
          rateLimit: { key: 'pims', requests: 60, perMs: 3_600_000 },
          freshnessMs: 120_000,
        },
        pushed: { kind: 'opaque_bytes', strategy: 'content_hash' },
      },
      pipelines: {
        'st-realtime-production': {
          folder: 'realtime/st',
          pool: 'production',
          slots: {
            vehicle_positions: 'pims/prod/vehicle_positions',
            own: 'output/st-realtime-production/feed',
          },
          debounce: { quietMs: 0, maxWaitMs: 5_000 },
          concurrency: 2,
          retry: {
            attempts: 1,
            backoffMs: 0,
            backoffMsMax: 60_000,
            nonRetryable: ['SchemaError'],
          },
          stepTimeoutMs: 10_000,
          runTimeoutMs: 60_000,
          disabledSteps: ['filter_stops'],
          priority: -5,
          newestWins: true,
          activation: 'manual',
        },
        small: {
          folder: 'small',
          pool: 'default',
          slots: {},
          debounce: { quietMs: 2_000, maxWaitMs: 30_000 },
          concurrency: 1,
          retry: { attempts: 3, backoffMs: 1_000, backoffMsMax: 30_000 },
          stepTimeoutMs: 60_000,
          runTimeoutMs: 300_000,
        },
      },
      sources: {},
      sinks: {},
      rules: {},
    })
  })

  test('every way to authenticate', () => {
    const auth = (text: string) =>
      parseConfig(fileWith(`url: http://h/x\n    auth: ${text}`), 'f', {}).assets.a!.auth
    expect(auth('{ query: { name: key, value: file:/run/key } }')).toEqual({
      type: 'query',
      name: 'key',
      value: 'file:/run/key',
    })
    expect(auth('{ basic: { username: me, password: env:P } }')).toEqual({
      type: 'basic',
      username: 'me',
      password: 'env:P',
    })
    expect(auth('{ bearer: { token: env:T } }')).toEqual({ type: 'bearer', token: 'env:T' })
  })

  test('what is parsed is what the event schemas accept', () => {
    for (const text of [full, demo]) {
      const { assets, pipelines } = parseConfig(text, 'headway.yaml', {})
      for (const asset of Object.values(assets))
        expect(problemWith(AssetDefinition, asset)).toBeNull()
      for (const pipeline of Object.values(pipelines))
        expect(problemWith(PipelineDefinition, pipeline)).toBeNull()
    }
  })

  test('the demo is six feeds of the agency and four pipelines', () => {
    const { tenant, assets, pipelines } = parseConfig(demo, 'headway.yaml', {
      HEADWAY_AGENCY_URL: 'http://127.0.0.1:4510',
    })
    expect(tenant).toBe('default')
    expect(Object.values(assets).map((asset) => asset.url)).toEqual(
      ['prod', 'qa'].flatMap((env) =>
        ['schedule.zip', 'vehicle_positions.pb', 'trip_updates.pb'].map(
          (file) => `http://127.0.0.1:4510/${env}/${file}`,
        ),
      ),
    )
    expect(Object.keys(pipelines)).toHaveLength(4)
    expect(pipelines['st-realtime-staging']!.slots).toEqual({
      vehicle_positions: 'pims/prod/vehicle_positions',
      trip_updates: 'pims/qa/trip_updates',
      test_vehicles: 'pims/qa/vehicle_positions',
    })
  })

  test('the demo survives being written by `headway add` unchanged', () => {
    expect(parseDocument(demo).toString({ lineWidth: 0, flowCollectionPadding: true })).toBe(demo)
  })

  test('anchors and merge keys are read', () => {
    const text = `assets:
  a: &a { kind: csv_table, url: http://h/a, every: 5s }
  b: { <<: *a, url: http://h/b }
`
    expect(parseConfig(text, 'f', {}).assets.b).toMatchObject({
      url: 'http://h/b',
      cadenceMs: 5_000,
    })
  })

  test('names that objects know themselves are names like others', () => {
    const config = parseConfig('assets: { __proto__: { kind: csv_table } }', 'f', {})
    expect(Object.keys(config.assets)).toEqual(['__proto__'])
    const changes = diffConfig({ ...config, assets: {} }, config)
    expect(changes).toMatchObject([{ name: '__proto__', change: 'added' }])
  })
})

describe('a file that is wrong', () => {
  const cases: Record<string, [text: string, ...problems: string[]]> = {
    'unknown key': [
      fileWith('evry: 5s'),
      '4:5 assets.a.evry is not known here; did you mean every?',
    ],
    'unknown key with letters swapped': [
      'assets: { a: { kidn: csv_table } }',
      '1:11 assets.a kind is missing',
      '1:16 assets.a.kidn is not known here; did you mean kind?',
    ],
    'unknown key without a neighbour': [
      'asssets: {}\nzzz: 1',
      '1:1 asssets is not known here; did you mean assets?',
      '2:1 zzz is not known here; known are tenant, assets, pipelines',
    ],
    'word of another tool': [
      fileWith('', 'max_wait: 5s'),
      '8:5 pipelines.p.max_wait is not known here; known are',
    ],
    'unknown kind': [
      'assets: { a: { kind: gtfs_rt_protobuff } }',
      '1:22 assets.a.kind "gtfs_rt_protobuff" is none of gtfs_schedule_zip, gtfs_rt_protobuf, ' +
        'csv_table, opaque_bytes; did you mean gtfs_rt_protobuf?',
    ],
    'missing key': ['assets:\n  a: {}', '2:3 assets.a kind is missing'],
    'missing slots': ['pipelines: { p: { folder: p } }', '1:14 pipelines.p slots is missing'],
    'bad asset key': ['assets: { "a b": { kind: csv_table } }', '1:11 assets.a b is no asset key'],
    'bad pipeline id': [
      'pipelines: { -p: { folder: p, slots: {} } }',
      '1:14 pipelines.-p is no pipe',
    ],
    'bad slot name': [
      fileWith('', 'slots: { "a b": a }'),
      '7:14 pipelines.p.slots.a b is no slot name',
    ],
    'bad tenant': ['tenant: a.b', '1:9 tenant "a.b" is not understood: a name has'],
    'bad folder': [
      'pipelines: { p: { folder: ../x, slots: {} } }',
      '1:27 pipelines.p.folder "../x" is not understood: a folder is a path below',
    ],
    'number for a duration': [
      fileWith('url: http://h/x\n    every: 20'),
      '5:12 assets.a.every 20 is not understood: a duration is a number and a unit',
    ],
    'duration in words': [
      fileWith('', 'runTimeout: 5 minutes'),
      '8:17 pipelines.p.runTimeout "5 minutes" is not understood: a duration is',
    ],
    'duration too short': [
      fileWith('url: http://h/x\n    every: 500ms'),
      '5:12 assets.a.every 500ms is too little; the least is 1s',
    ],
    'no cadence is 0': [
      fileWith('url: http://h/x\n    every: 0'),
      '5:12 assets.a.every 0 is too little; the least is 1s',
    ],
    'duration that no schedule can keep': [
      fileWith('url: http://h/x\n    every: 1500ms'),
      '5:12 assets.a.every 1500ms is not a multiple of 1s',
    ],
    'duration longer than a timer': [
      fileWith('', 'runTimeout: 30d'),
      '8:17 pipelines.p.runTimeout 30d is too much; the most is 24d',
    ],
    'bad size': [fileWith('maxBytes: 200 MB'), '4:15 assets.a.maxBytes "200 MB" is not understood'],
    'size beyond memory': [fileWith('maxBytes: 3GB'), '4:15 assets.a.maxBytes 3GB is too much'],
    'bad count': [fileWith('', 'concurrency: 0'), '8:18 pipelines.p.concurrency 0 is too little'],
    'neither true nor false': [
      fileWith('', 'newestWins: sometimes'),
      '8:17 pipelines.p.newestWins must be true or false, not text',
    ],
    'another word for it': [
      fileWith('', 'newest_wins: true'),
      '8:5 pipelines.p.newest_wins is not known here; did you mean newestWins?',
    ],
    'no way to become active': [
      fileWith('', 'activation: auto'),
      '8:17 pipelines.p.activation "auto" is none of automatic, manual',
    ],
    'fraction for a count': [
      fileWith('', 'concurrency: 1.5'),
      '8:18 pipelines.p.concurrency must be a whole number, not 1.5',
    ],
    'wrong type': [
      'assets: [a]\npipelines: 5\ntenant: 2024',
      '1:9 assets must be a mapping (key: value), not a list',
      '2:12 pipelines must be a mapping (key: value), not 5',
      '3:9 tenant must be text, not 2024; put it in quotes',
    ],
    'nothing after the colon': [
      fileWith('', 'disabledSteps:'),
      '8:19 pipelines.p.disabledSteps must be a list, not nothing',
    ],
    'top level that is no mapping': ['- assets', '1:1  must be a mapping (key: value), not a list'],
    'two ways to authenticate': [
      fileWith(
        'url: http://h/x\n    auth: { bearer: { token: env:T }, query: { name: k, value: env:T } }',
      ),
      '5:5 assets.a.auth needs exactly one of header, query, basic, bearer',
    ],
    'no way to authenticate': [
      fileWith('url: http://h/x\n    auth: {}'),
      '5:5 assets.a.auth needs exactly one of',
    ],
    'unset variable': [
      fileWith('url: ${NOWHERE}/x'),
      '4:10 assets.a.url uses NOWHERE, which is not set here; set it or write ${NOWHERE:-default}',
    ],
    'half a variable': [fileWith('url: http://h/${x y}'), '4:10 assets.a.url has a ${ that is not'],
    'no URL': [fileWith('url: agency/x'), '4:10 assets.a.url is no URL'],
    'URL without host': [fileWith('url: file:/x'), '4:10 assets.a.url names no host'],
    'cadence without URL': [fileWith('every: 5s'), '4:5 assets.a.every has no meaning without url'],
    'stale before it is looked at': [
      fileWith('url: http://h/x\n    every: 1m\n    fresh: 30s'),
      '6:12 assets.a.fresh 30s is shorter than every (1m)',
    ],
    'full looks more often than looks': [
      fileWith('url: http://h/x\n    every: 1h\n    fullFetchEvery: 1m'),
      '6:21 assets.a.fullFetchEvery 1m is shorter than every (1h)',
    ],
    'quiet longer than maxWait': [
      fileWith('', 'debounce: { quiet: 1m }'),
      '8:15 pipelines.p.debounce.maxWait 30s (when left out) is shorter than quiet (1m)',
    ],
    'step longer than the run': [
      fileWith('', 'stepTimeout: 10m'),
      '6:5 pipelines.p.runTimeout 5m (when left out) is shorter than stepTimeout (10m)',
    ],
    'asset that only pipelines make': [
      'assets: { output/p/feed: { kind: csv_table } }',
      '1:11 assets.output/p/feed begins with output/',
    ],
    'slot on an unknown asset': [
      fileWith('', 'slots: { in: b }').replace('  a:', '  bb:'),
      '7:18 pipelines.p.slots.in b is not among the assets; did you mean bb?',
    ],
    'slot on an output of nobody': [
      fileWith('', 'slots: { in: output/q/feed }'),
      '7:18 pipelines.p.slots.in output/q/feed is made by no pipeline here',
    ],
    'duplicate key': ['assets: {}\nassets: {}', '2:1  is not YAML as we read it: Map keys must be'],
    'no YAML': [
      'assets: { a: }}',
      '1:15  is not YAML as we read it: Unexpected flow-map-end token',
    ],
    'unknown tag': ['tenant: !!js x', '1:9  is not YAML as we read it: Unresolved tag'],
    'alias to nothing': ['tenant: *x', '1:9  is not YAML as we read it: Unresolved alias'],
    'two documents': ['assets: {}\n---\nassets: {}', '2:1  is not YAML as we read it'],
    'empty file': ['# nothing\n', '1:1  is empty; write assets: {} and pipelines: {}'],
  }
  for (const [name, [text, ...problems]] of Object.entries(cases))
    test(name, () => {
      const found = problemsOf(text)
      expect(found).toHaveLength(problems.length)
      problems.forEach((problem, i) => expect(found[i]).toContain(problem))
    })

  test('what the library quotes of the file is left out', () => {
    expect(problemsOf('assets: { a: }}')).toEqual([
      '1:15  is not YAML as we read it: Unexpected flow-map-end token',
    ])
  })

  test('aliases that multiply without end are refused', () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]']
    for (const [name, of] of ['ba', 'cb', 'dc', 'ed'].entries())
      lines.push(`${of[0]}: &${of[0]} [${Array(10).fill(`*${of[1]}`).join(', ')}]`, `# ${name}`)
    expect(problemsOf(lines.join('\n'))[0]).toContain('Excessive alias count')
  })

  test('all problems are told together, in the order of the file, with their places', () => {
    const text = `assets:
  a:
    kind: csv
    every: 10
pipelines:
  q:
    folder: q
    slots: { in: aa }
  p:
    folder: p
    slots: { in: nowhere/at/all }
    retry: { atempts: 3 }
`
    expect(() => parseConfig(text, 'my.yaml', {})).toThrow(
      new ConfigError('my.yaml', [
        ...['"csv" is none of gtfs_schedule_zip, gtfs_rt_protobuf, csv_table, opaque_bytes'].map(
          (message) => ({ line: 3, column: 11, path: 'assets.a.kind', message }),
        ),
        {
          line: 4,
          column: 12,
          path: 'assets.a.every',
          message:
            '10 is not understood: a duration is a number and a unit: 500ms, 20s, 5m, 2h, 1d, or 0 for none',
        },
        {
          line: 8,
          column: 18,
          path: 'pipelines.q.slots.in',
          message: 'aa is not among the assets; did you mean a?',
        },
        {
          line: 12,
          column: 14,
          path: 'pipelines.p.retry.atempts',
          message: 'is not known here; did you mean attempts?',
        },
      ]),
    )
  })
})

describe('[I14] a secret is refused and never repeated', () => {
  const value = 'hunter2'
  const cases: Record<string, [asset: string, told: string]> = {
    'in a header': [`auth: { header: { name: X-Api-Key, value: ${value} } }`, 'env:NAME'],
    'in a query': [`auth: { query: { name: k, value: ${value} } }`, 'env:NAME'],
    'as a password': [`auth: { basic: { username: u, password: ${value} } }`, 'env:NAME'],
    'as a token': [`auth: { bearer: { token: ${value} } }`, 'env:NAME'],
    'as a number': [`auth: { bearer: { token: 4711 } }`, 'env:NAME'],
    'in place of auth': [`auth: ${value}`, 'must be a mapping'],
    'in a reference': ['auth: { bearer: { token: "env:hunter2 x" } }', 'env:NAME'],
    'in user info': [
      `url: http://me:${value}@pims.example.org/x`,
      'basic: { username: …, password',
    ],
    'as a user': [`url: http://${value}@127.0.0.1/x`, 'password: env:HOST_127_0_0_1_TOKEN'],
    'in a parameter': [
      `url: http://a.org/x?api_key=${value}`,
      'query: { name: api_key, value: env:A_O',
    ],
    'in a parameter in camel case': [`url: http://h/x?accessToken=${value}`, '{ name: accessToken'],
    'in a broken URL': [`url: me:${value}@host/x y`, 'names no host'],
    'in the headers': [
      `headers: { X-API-Key: ${value} }`,
      'header: { name: X-API-Key, value: env:',
    ],
    'in a cookie': [`headers: { cookie: ${value} }`, 'looks like a secret'],
    'in text that is no YAML': [
      `auth: "a" ${value}`,
      'is not YAML as we read it: Unexpected scalar',
    ],
    'in a variable': ['url: http://h/${AGENCY_TOKEN}/x', 'write auth: with env:AGENCY_TOKEN'],
  }
  for (const [name, [asset, told]] of Object.entries(cases))
    test(name, () => {
      const url = asset.startsWith('url') ? '' : 'url: http://h/x\n    '
      const found = problemsOf(fileWith(url + asset), { AGENCY_TOKEN: value })
      expect(found.join('\n')).toContain(told)
      expect(found.join('\n')).not.toContain(value)
      expect(found.join('\n')).not.toContain('4711')
    })

  test('a parameter that only sounds alike is fine', () => {
    expect(problemsOf(fileWith('url: http://h/x?monkey=1&keyboard=2&format=pb'))).toEqual([])
  })
})

test('schemas/config.schema.json is what the shape says', async () => {
  await expect(configJsonSchema()).toMatchFileSnapshot(
    './config.schema.json',
    'write it again with: npx vitest run schemas/config.test.ts -u',
  )
})
