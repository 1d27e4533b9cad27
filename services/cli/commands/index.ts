/**
 * Every command: what it is called, what it takes, what it is good for. One file and one entry each.
 * Nothing else is loaded before it is clear which one is meant.
 */
export type Invocation = {
  readonly args: readonly (string | undefined)[]
  readonly options: Readonly<Record<string, string | boolean | undefined>>
}

export type CommandModule = { readonly run: (invocation: Invocation) => Promise<void> }

export type CommandEntry = {
  /** `run <id>`; arguments in commander's words. */
  readonly usage: string
  readonly summary: string
  readonly options?: readonly (readonly [flags: string, summary: string, otherwise?: string])[]
  /** [what follows `headway`, what it does] */
  readonly examples: readonly (readonly [command: string, effect: string])[]
  load(): Promise<CommandModule>
}

const json = ['--json', 'what the program sees, as JSON'] as const
const limit = ['--limit <n>', 'at most this many', '20'] as const

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
    options: [json],
    examples: [['status', 'one line per fact']],
    load: () => import('./status.ts'),
  },
  {
    usage: 'assets',
    summary: 'things that change, with their newest version and their trouble',
    options: [json],
    examples: [['assets', 'all of them']],
    load: () => import('./assets.ts'),
  },
  {
    usage: 'runs',
    summary: 'newest runs first',
    options: [
      ['--pipeline <id>', 'of one pipeline'],
      ['--status <status>', 'pending, running, retrying, completed, failed or dead_lettered'],
      limit,
      json,
    ],
    examples: [['runs --status failed', 'what went wrong lately']],
    load: () => import('./runs.ts'),
  },
  {
    usage: 'run <id>',
    summary: 'one run: why, on what, every step, every output',
    options: [json],
    examples: [['run 01JD8Z0000000000000000000K', 'its story']],
    load: () => import('./run.ts'),
  },
  {
    usage: 'workers',
    summary: 'who runs pipelines',
    options: [json],
    examples: [['workers', 'connected, left and lost ones']],
    load: () => import('./workers.ts'),
  },
  {
    usage: 'trigger <pipeline>',
    summary: 'run a pipeline now on the newest versions',
    options: [
      ['--wait', 'until it ended; the exit code tells how'],
      ['--timeout <duration>', 'how long to wait', '5m'],
      ['--reason <text>', 'why, for those who look later'],
      json,
    ],
    examples: [['trigger st-schedule-production --wait', 'and see how it went']],
    load: () => import('./trigger.ts'),
  },
  {
    usage: 'fetch <asset>',
    summary: 'look at a source now',
    options: [['--reason <text>', 'why, for those who look later'], json],
    examples: [['fetch pims/prod/schedule', 'do not wait for the cadence']],
    load: () => import('./fetch.ts'),
  },
  {
    usage: 'window <pipeline>',
    summary: 'the changes that wait to become a run',
    options: [
      ['--flush', 'run now'],
      ['--cancel', 'forget them'],
      ['--reason <text>', 'why, for those who look later'],
      json,
    ],
    examples: [
      ['window st-realtime-production', 'what waits, and until when'],
      ['window st-realtime-production --flush', 'do not wait'],
    ],
    load: () => import('./window.ts'),
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
    usage: 'decode',
    summary: 'a commit or command from stdin as JSON: for nats sub --translate',
    examples: [["sub 'headway.>' --translate 'npx headway decode'", 'after: nats']],
    load: () => import('./decode.ts'),
  },
]

/** Dispatched by deploy/headway.mjs before this program; listed so that help is whole. */
export const launched: readonly (readonly [name: string, summary: string])[] = [
  ['start', 'run everything here: server, database, rooms, console, demo'],
  ['rebuild', 'make the read models again from the log and swap them in'],
  ['verify', 'make them beside the live ones and compare'],
]
