/**
 * Every command: what it is called, what it takes, what it is good for. One file and one entry each.
 * Nothing else is loaded before it is clear which one is meant.
 */
import { configuration } from './configuration.ts'
import { asOf, json, key, limit, reason, type CommandEntry } from './entry.ts'
import { lifecycle } from './lifecycle.ts'

export const commands: readonly CommandEntry[] = [
  {
    usage: 'apply [file]',
    summary: 'make the log say what headway.yaml says, after showing the difference',
    options: [['-n, --dry-run', 'only show the difference'], json],
    examples: [
      ['apply --dry-run', 'what would change'],
      ['apply', 'change it'],
    ],
    load: () => import('./apply.ts'),
  },
  {
    usage: 'add <url>',
    summary: 'watch a feed: one asset and one pipeline that publishes it, in headway.yaml',
    options: [
      ['--key <key>', 'name of the asset; from the URL when left out'],
      ['--pipeline <id>', 'name of the pipeline; from the key when left out'],
      ['--kind <kind>', 'what the bytes are; guessed when left out'],
      ['--every <duration>', 'how often to look; by kind when left out'],
      ['--header <name=ref>', 'send a secret in a header: X-Api-Key=env:TOKEN'],
      ['--query <name=ref>', 'send a secret in the query: key=file:/run/key'],
      ['--bearer <ref>', 'send a secret as a bearer token: env:TOKEN'],
      ['--file <file>', 'the config file', 'headway.yaml'],
      json,
    ],
    examples: [
      ['add https://example.org/gtfs.zip', 'a schedule'],
      ['add https://example.org/vp.pb --key mine/vehicles --every 10s', 'a realtime feed'],
    ],
    load: () => import('./add.ts'),
  },
  {
    usage: 'status',
    summary: 'is everything well: log, read models, workers, runs',
    options: [asOf, json],
    examples: [['status', 'one line per fact']],
    load: () => import('./status.ts'),
  },
  {
    usage: 'assets',
    summary: 'things that change, with their newest version and their trouble',
    options: [asOf, json],
    examples: [['assets', 'all of them']],
    load: () => import('./assets.ts'),
  },
  {
    usage: 'asset <key>',
    summary: 'one asset: how it is, its newest versions, and their bytes',
    options: [
      ['--content', 'write its bytes to standard output'],
      ['--version <version>', 'of this version; of the newest when left out'],
      ['--rendition <name>', 'in this form: feed.json'],
      limit,
      asOf,
      json,
    ],
    examples: [
      ['asset pims/prod/schedule', 'its newest versions'],
      ['asset pims/prod/schedule --content > feed.zip', 'the newest bytes'],
    ],
    load: () => import('./asset.ts'),
  },
  {
    usage: 'put <asset> <file>',
    summary: 'a new version of an asset without a url, from a file; - is standard input',
    options: [json],
    examples: [['put mine/schedule feed.zip', 'refused or versioned, like what is fetched']],
    load: async () => ({ run: (await import('./asset.ts')).put }),
  },
  {
    usage: 'pipelines',
    summary: 'what makes outputs of assets, with the last run of each',
    options: [asOf, json],
    examples: [['pipelines', 'all of them']],
    load: async () => ({ run: (await import('./pipelines.ts')).list }),
  },
  {
    usage: 'pipeline <id>',
    summary: 'one pipeline: its code, its window, its steps',
    options: [asOf, json],
    examples: [['pipeline st-realtime-staging', 'what it does with what']],
    load: async () => ({ run: (await import('./pipelines.ts')).one }),
  },
  {
    usage: 'runs',
    summary: 'newest runs first',
    options: [
      ['--pipeline <id>', 'of one pipeline'],
      ['--status <status>', 'running, waiting_for_worker, waiting_external, failed, cancelled…'],
      ['--since <when>', 'asked for since then: 2h, or 2026-11-21T08:00:00Z'],
      limit,
      asOf,
      json,
    ],
    examples: [['runs --status failed', 'what went wrong lately']],
    load: () => import('./runs.ts'),
  },
  {
    usage: 'run <id>',
    summary: 'one run: why, on what, every step, every output',
    options: [asOf, json],
    examples: [['run 01JD8Z0000000000000000000K', 'its story']],
    load: () => import('./run.ts'),
  },
  {
    usage: 'workers',
    summary: 'who runs pipelines',
    options: [asOf, json],
    examples: [['workers', 'healthy, draining and stale ones']],
    load: () => import('./workers.ts'),
  },
  {
    usage: 'trigger <pipeline>',
    summary: 'run a pipeline now on the newest versions',
    options: [
      ['--wait', 'until it ended; the exit code tells how'],
      ['--timeout <duration>', 'how long to wait', '5m'],
      ['--input <slot=version>', 'run on this version of a slot; several with commas'],
      reason,
      key,
      json,
    ],
    examples: [
      ['trigger st-schedule-production --wait', 'and see how it went'],
      ['trigger p --input feed=01JD8Z0000000000000000000K', 'on an older version'],
    ],
    load: () => import('./trigger.ts'),
  },
  {
    usage: 'fetch <asset>',
    summary: 'look at a source now',
    options: [reason, json],
    examples: [['fetch pims/prod/schedule', 'do not wait for the cadence']],
    load: () => import('./fetch.ts'),
  },
  {
    usage: 'window <pipeline>',
    summary: 'the changes that wait to become a run',
    options: [['--flush', 'run now'], ['--cancel', 'forget them'], reason, asOf, json],
    examples: [
      ['window st-realtime-production', 'what waits, and until when'],
      ['window st-realtime-production --flush', 'do not wait'],
    ],
    load: () => import('./window.ts'),
  },
  {
    usage: 'streams',
    summary: 'what NATS holds, who reads it, and what is not as the code says',
    options: [json],
    examples: [['streams', 'streams, queues and readers']],
    load: () => import('./streams.ts'),
  },
  {
    usage: 'projections [action]',
    summary: 'how far the tables are; rebuild, compare, swap or drop a copy of them',
    options: [reason, json],
    examples: [
      ['projections', 'position, lag, rate and size'],
      ['projections rebuild', 'build a copy beside the live tables'],
      ['projections compare', 'prove them equal, row for row'],
      ['projections swap', 'put the copy in their place'],
    ],
    load: () => import('./projections.ts'),
  },
  {
    usage: 'sub [subject]',
    summary: 'watch the log: one line per event, as it happens',
    options: [
      ['--all', 'from the first event'],
      ['--since <when>', 'from a time ago (10m) or a position (1200)'],
      ['--count <n>', 'end after this many events'],
      ['--tenant <name>', 'of one tenant'],
      ['--json', 'one JSON object per line'],
    ],
    examples: [
      ['sub', 'everything from now on'],
      ['sub asset/pims/prod --since 10m', 'what the sources of pims/prod did'],
      ["sub 'run.*' --all --json", 'every run there was, for jq'],
    ],
    load: () => import('./sub.ts'),
  },
  {
    usage: 'audit',
    summary: 'who asked for what, and why; newest first',
    options: [
      ['--actor <name>', 'by one of them'],
      ['--type <event>', 'of one sort: RunTriggered'],
      ['--since <when>', 'since then: 2h, or 2026-11-21T08:00:00Z'],
      ['--until <when>', 'before'],
      limit,
      asOf,
      json,
    ],
    examples: [['audit --since 1d', 'what people did today']],
    load: () => import('./audit.ts'),
  },
  {
    usage: 'event <sequence>',
    summary: 'what the log says at a sequence, decoded',
    examples: [['event 1200 | jq .events', 'for jq']],
    load: async () => ({ run: (await import('./audit.ts')).event }),
  },
  {
    usage: 'decode',
    summary: 'a commit or command from stdin as JSON: for nats sub --translate',
    examples: [["sub 'headway.>' --translate 'npx headway decode'", 'after: nats']],
    load: () => import('./decode.ts'),
  },
  ...lifecycle,
  ...configuration,
]

/** Words that stand before others: `release list`. */
export const groups: Readonly<Record<string, string>> = {
  tokens: 'who may use the API, and as what',
  step: 'leave steps of a pipeline out, or have them done again',
  release: 'versions of a pipeline’s code: which is active, what still runs on them',
  canary: 'try a version beside the active one, without publishing',
  config: 'the history of configuration: what changed, what differs, and the way back',
  worker: 'let a worker take nothing new, or take runs again',
}

/** Dispatched by deploy/headway.mjs before this program; listed so that help is whole. */
export const launched: readonly (readonly [name: string, summary: string])[] = [
  ['start', 'run everything here: server, database, rooms, console, demo'],
  ['rebuild', 'make the read models again from the log and swap them in'],
  ['verify', 'make them beside the live ones and compare'],
]
