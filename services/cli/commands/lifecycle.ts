/** Commands about what people decide: redriving, holding back, releasing, answering. */
import { access } from './access.ts'
import { asOf, json, key, limit, reason, type CommandEntry, type CommandModule } from './entry.ts'

const asked = [reason, key, json] as const
const wish = async (name: keyof typeof import('./wishes.ts')): Promise<CommandModule> =>
  (await import('./wishes.ts'))[name]

const deadFilter = [
  ['--pipeline <id>', 'of one pipeline'],
  ['--type <type>', 'of the error'],
  ['--fingerprint <text>', 'errors that differ in particulars only have the same'],
  ['--status <status>', 'dead_lettered, failed or cancelled; several with commas'],
  ['--since <when>', 'ended since then: 2h, or 2026-11-21T08:00:00Z'],
  ['--until <when>', 'ended before'],
] as const

export const lifecycle: readonly CommandEntry[] = [
  ...access,
  {
    usage: 'why <thing>',
    summary: 'why a run, a pipeline or an asset is as it is, and what comes next',
    options: [asOf, json],
    examples: [
      ['why st-realtime-production', 'why it runs, waits or does not run'],
      ['why pims/prod/schedule', 'why it is stale, and what it led to'],
      ['why 01JD8Z0000000000000000000K', 'why the run ran, and why it is where it is'],
    ],
    load: () => import('./why.ts'),
  },
  {
    usage: 'cancel <run>',
    summary: 'end a run',
    options: asked,
    examples: [['cancel 01JD8Z0000000000000000000K --reason "wrong feed"', 'its worker stops it']],
    load: () => wish('cancel'),
  },
  {
    usage: 'dead-letters [id]',
    summary:
      'runs that ended badly, refused commands, unreadable messages; one with all its errors',
    options: [...deadFilter, ['--kind <kind>', 'run, command or message'], limit, asOf, json],
    examples: [
      ['dead-letters --since 1d', 'what went wrong since yesterday'],
      ['dead-letters 01JD8Z0000000000000000000K', 'every error of a run'],
    ],
    load: () => import('./dead-letters.ts'),
  },
  {
    usage: 'redrive [run...]',
    summary: 'do runs again that ended badly: named ones, or all that a filter finds',
    options: [
      ...deadFilter,
      ['--all', 'without a filter'],
      ['-n, --dry-run', 'only show what would be done'],
      ['--cap <n>', 'at most this many runs; 1000 when left out'],
      ['--per-minute <n>', 'not faster than this'],
      ['--stop-after <n>', 'stop when so many ended badly again'],
      ['--version <version>', 'on another version of the code'],
      ['--start-over', 'from the first step, whatever was recorded'],
      ['--wait', 'until all had their turn; the exit code tells how'],
      ['--timeout <duration>', 'how long to wait', '1h'],
      ...asked,
    ],
    examples: [
      ['redrive 01JD8Z0000000000000000000K', 'one run, from where it stopped'],
      ['redrive --type SchemaError --since 2h --dry-run', 'what would be done again'],
      ['redrive --pipeline p --per-minute 30 --stop-after 5 --wait', 'with care'],
    ],
    load: () => import('./redrive.ts'),
  },
  {
    usage: 'pause <pipeline>',
    summary: 'start no runs of a pipeline; what runs goes on and nothing is lost',
    options: asked,
    examples: [['pause st-schedule-production --reason "bad data upstream"', 'until resume']],
    load: () => wish('pause'),
  },
  {
    usage: 'resume <pipeline>',
    summary: 'start runs of a paused pipeline again',
    options: asked,
    examples: [['resume st-schedule-production', 'those that waited first']],
    load: () => wish('resume'),
  },
  {
    usage: 'step disable <pipeline> <step>',
    summary: 'leave a step out of the runs that are asked for from now on',
    options: asked,
    examples: [['step disable st-schedule-production filter_stops', 'it shows as skipped']],
    load: () => wish('disableStep'),
  },
  {
    usage: 'step enable <pipeline> <step>',
    summary: 'have a step done again',
    options: asked,
    examples: [['step enable st-schedule-production filter_stops', 'from the next run on']],
    load: () => wish('enableStep'),
  },
  {
    usage: 'release list [pipeline]',
    summary: 'versions with their state: inactive, active, draining, drained, retired',
    options: [limit, asOf, json],
    examples: [['release list st-schedule-production', 'newest first']],
    load: async () => ({ run: (await import('./releases.ts')).list }),
  },
  {
    usage: 'release show <pipeline> <version>',
    summary: 'one version: what still runs on it, when it was active',
    options: [asOf, json],
    examples: [['release show st-schedule-production 5c0ffee15c00', 'may it be retired?']],
    load: async () => ({ run: (await import('./releases.ts')).show }),
  },
  {
    usage: 'release activate <pipeline> <version>',
    summary: 'make new runs use a version',
    options: asked,
    examples: [
      ['release activate st-schedule-production 5c0ffee15c00', 'running runs keep theirs'],
    ],
    load: () => wish('activate'),
  },
  {
    usage: 'release rollback <pipeline>',
    summary: 'make the version active that was so before',
    options: asked,
    examples: [['release rollback st-schedule-production --reason "empty output"', 'at once']],
    load: () => wish('rollback'),
  },
  {
    usage: 'release retire <pipeline> <version>',
    summary: 'let nothing be pinned to a version any more',
    options: asked,
    examples: [['release retire st-schedule-production 5c0ffee15c00', 'when nothing runs on it']],
    load: () => wish('retire'),
  },
  {
    usage: 'canary start <pipeline> <version>',
    summary: 'repeat runs of the active version on another one and compare what they make',
    options: [['--runs <n>', 'how many runs to repeat', '3'], ...asked],
    examples: [['canary start st-schedule-production 5c0ffee15c00 --runs 5', 'publishes nothing']],
    load: async () => ({ run: (await import('./canary.ts')).start }),
  },
  {
    usage: 'canary show <id>',
    summary: 'what differs between the candidate and what had been published',
    options: [asOf, json],
    examples: [['canary show 01JD8Z0000000000000000000K', 'output by output']],
    load: async () => ({ run: (await import('./canary.ts')).show }),
  },
  {
    usage: 'canary stop <id>',
    summary: 'repeat no more runs',
    options: asked,
    examples: [['canary stop 01JD8Z0000000000000000000K', 'what was compared stays']],
    load: () => wish('stopCanary'),
  },
  {
    usage: 'worker drain <worker>',
    summary: 'let a worker finish what it holds and take nothing new',
    options: asked,
    examples: [['worker drain w1 --reason "kernel update"', 'until it resumes or joins again']],
    load: () => wish('drain'),
  },
  {
    usage: 'worker resume <worker>',
    summary: 'let a worker that drains take runs again',
    options: asked,
    examples: [['worker resume w1', 'it takes what waits']],
    load: () => wish('resumeWorker'),
  },
  {
    usage: 'interactions',
    summary: 'what runs ask of people and other systems',
    options: [
      ['--status <status>', 'waiting, completed, expired, cancelled or all', 'waiting'],
      ['--assignee <name>', 'for one person'],
      ['--group <name>', 'for one group'],
      ['--step <id>', 'of one step'],
      ['--pipeline <id>', 'of one pipeline'],
      ['--run <id>', 'of one run'],
      ['--due-before <when>', 'due within 2h, or before 2026-11-21T08:00:00Z'],
      limit,
      asOf,
      json,
    ],
    examples: [['interactions --assignee ada', 'what waits for ada']],
    load: async () => ({ run: (await import('./interactions.ts')).list }),
  },
  {
    usage: 'answer <interaction>',
    summary: 'answer what a run asks, by the id of the question or its correlation id',
    options: [
      ['--json <response>', 'the answer, as JSON'],
      ['--pipeline <id>', 'the name is a correlation id within this pipeline'],
      ['--token <token>', 'the resume token, where the question needs one'],
      reason,
      key,
    ],
    examples: [
      [`answer 01JD8Z0000000000000000000K --json '{"approved": true}'`, 'the run goes on'],
      [`answer job-17 --pipeline p --json '{"url": "…"}'`, 'held when it is not asked yet'],
    ],
    load: async () => ({ run: (await import('./interactions.ts')).answer }),
  },
]
