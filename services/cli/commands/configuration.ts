/** Commands about configuration: pushes and what became of them, and the history of every key. */
import { asOf, json, key, limit, reason, type CommandEntry, type CommandModule } from './entry.ts'

const wait = [
  ['--wait', 'until it ended; the exit code tells how'],
  ['--timeout <duration>', 'how long to wait', '5m'],
] as const
const history = async (name: keyof typeof import('./config-history.ts')): Promise<CommandModule> =>
  ({ run: (await import('./config-history.ts'))[name] }) as CommandModule

export const configuration: readonly CommandEntry[] = [
  {
    usage: 'sync <source> <repository>',
    summary: 'bring a repository’s configuration to its sinks now, without a push',
    options: [
      ['--ref <ref>', 'a branch or a ref in full; main when left out'],
      ['--commit <sha>', 'exactly this commit'],
      ['--rule <rule>', 'only for this rule'],
      ['--environment <name>', 'only for this environment'],
      ['-n, --dry-run', 'plan, never write'],
      ...wait,
      reason,
      key,
      json,
    ],
    examples: [
      ['sync acme acme/shop --wait', 'and see how it went'],
      ['sync acme acme/shop --ref main --dry-run --wait', 'what it would write and delete'],
    ],
    load: () => import('./sync.ts'),
  },
  {
    usage: 'tasks [id]',
    summary: 'pushes that were accepted; one of them with every sink and file',
    options: [
      ['--source <source>', 'of one source'],
      ['--repository <repository>', 'of one repository'],
      limit,
      asOf,
      json,
    ],
    examples: [
      ['tasks --source acme', 'the newest pushes'],
      ['tasks 01JD8Z0000000000000000000K', 'what became of one'],
    ],
    load: () => import('./tasks.ts'),
  },
  {
    usage: 'sources',
    summary: 'where configuration is pushed to, and from',
    options: [asOf, json],
    examples: [['sources', 'with the address of each webhook']],
    load: async () => ({ run: (await import('./sources.ts')).sources }),
  },
  {
    usage: 'rules',
    summary: 'which files of which repositories go to which sinks',
    options: [asOf, json],
    examples: [['rules', 'all of them']],
    load: async () => ({ run: (await import('./sources.ts')).rules }),
  },
  {
    usage: 'sinks [sink]',
    summary: 'where configuration goes; of one sink, what it holds and from which commit',
    options: [['--environment <name>', 'only there'], limit, asOf, json],
    examples: [
      ['sinks', 'all of them, with what drifted'],
      ['sinks shop-kv --environment production', 'every key with its commit'],
    ],
    load: async () => ({ run: (await import('./sources.ts')).sinks }),
  },
  {
    usage: 'config log',
    summary: 'who changed which key when, from which commit',
    options: [
      ['--rule <rule>', 'by one rule'],
      ['--sink <sink>', 'in one sink'],
      ['--environment <name>', 'in one environment'],
      ['--key <glob>', "keys like this: 'db.*'"],
      ['--repository <repository>', 'from one repository'],
      ['--commit <sha>', 'from one commit, or how it begins'],
      ['--actor <name>', 'pushed by'],
      ['--unchanged', 'keys as well that were written as they were'],
      ['--since <when>', 'since then: 2h, or 2026-11-21T08:00:00Z'],
      ['--until <when>', 'before'],
      limit,
      asOf,
      json,
    ],
    examples: [
      ["config log --key 'db.*' --since 1d", 'what happened to the database’s settings'],
      ['config log --commit 0d1a26e', 'what a commit changed, and where'],
    ],
    load: () => history('log'),
  },
  {
    usage: 'config diff <environment>',
    summary: 'what differs between two moments, or between two environments',
    options: [
      ['--from <moment>', 'a commit, a run, a time, 2h ago'],
      ['--to <moment>', 'the same; now when left out'],
      ['--against <environment>', 'another environment'],
      ['--rule <rule>', 'of one rule'],
      ['--sink <sink>', 'of one sink'],
      json,
    ],
    examples: [
      ['config diff production --from 0d1a26e', 'since a commit'],
      ['config diff staging --against production', 'what staging has and production has not'],
    ],
    load: () => history('diff'),
  },
  {
    usage: 'config drift',
    summary: 'where sinks hold something else than was put there',
    options: [['--all', 'what ended as well'], json],
    examples: [['config drift', 'what is wrong now, since when, and how often it was put right']],
    load: () => import('./drift.ts'),
  },
  {
    usage: 'config rollback <rule> <environment>',
    summary: 'restore what sinks held after a commit or a run',
    options: [
      ['--to <moment>', 'a commit, or how it begins, or a run'],
      ['--sink <sink>', 'only in this sink'],
      ['-n, --dry-run', 'only show what would change'],
      ['--timeout <duration>', 'how long to wait for its end', '5m'],
      reason,
      key,
      json,
    ],
    examples: [
      ['config rollback shop production --to 0d1a26e --dry-run', 'what would change'],
      ['config rollback shop production --to 0d1a26e --reason "wrong prices"', 'change it back'],
    ],
    load: () => import('./rollback.ts'),
  },
]
