/** One event of every kind about configuration, as they occur. */
import type { EventOf, EventType } from '../events.ts'

const at = '2026-11-21T12:00:00.000Z'
const digest = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'
const run = '01M7XYZP2ZR5ZG15R7ZX64S5RC'
const version = '01M7XYZKHWWT5D7ZJQ4F5K404Q'
const error = { type: 'timeout', message: 'it took longer than 30000 ms' }
const commit = '0d1a26e67d8f5eaf1f6ba5c57fc3c7d91ac0fd1c'
const task = '01M7XYZYB1F4H6J8K0M2N4P6Q8'
const place = { sink: 'shop-kv', environment: 'production', rule: 'shop' }

type ConfigEvent = Extract<
  EventType,
  | `Source${string}`
  | `Push${string}`
  | `Rule${string}`
  | `Sink${string}`
  | `Sync${string}`
  | `Values${string}`
  | `Drift${string}`
  | 'HealRequested'
>

export const configTold: { readonly [T in ConfigEvent]: Omit<EventOf<T>, 'type' | 'v' | 'at'> } = {
  SourceDefined: {
    source: 'acme',
    definition: {
      platform: 'github',
      url: 'https://github.com',
      webhook: { keys: ['env:WEBHOOK_KEY'] },
      auth: { token: 'env:GIT_TOKEN' },
      poll: { repositories: ['acme/shop'], everyMs: 60_000 },
    },
  },
  SourceRemoved: { source: 'acme' },
  PushReceived: {
    source: 'acme',
    delivery: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    platform: 'github',
    event: 'push',
    repository: 'acme/shop',
    ref: 'refs/heads/main',
    commit,
    before: '6113728f27ae82c7b1a177c8d03f9e96e0adf246',
    pushedAt: at,
    actor: 'ann',
    task,
    dryRun: false,
  },
  PushResolved: {
    source: 'acme',
    delivery: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    task,
    targets: [
      {
        rule: 'shop',
        environment: 'production',
        asset: 'config/shop/acme.shop/production',
        pipeline: 'shop--production',
        version,
        outcome: 'versioned',
      },
    ],
  },
  RuleDefined: {
    rule: 'shop',
    definition: {
      source: 'acme',
      repositories: ['acme/*'],
      exclude: ['acme/old-*'],
      files: ['config/*.yaml'],
      environment: { branches: { main: 'production' }, default: 'development' },
      secrets: { 'db.password': 'vault:kv/data/shop#password' },
      sinks: ['shop-kv'],
      prune: { enabled: true, protect: ['SYSTEM_*'] },
      drift: { everyMs: 60_000, heal: true },
    },
  },
  RuleRemoved: { rule: 'shop' },
  SinkDefined: { sink: 'shop-kv', definition: { type: 'nats_kv', options: { bucket: 'shop' } } },
  SinkRemoved: { sink: 'shop-kv' },
  SyncPlanned: {
    ...place,
    pipeline: 'shop--production',
    run,
    epoch: 0,
    attempt: 1,
    repository: 'acme/shop',
    commit,
    mode: 'smart_repair',
    plan: digest,
    writes: 2,
    deletes: 1,
    protected: 0,
  },
  ValuesApplied: {
    ...place,
    run,
    repository: 'acme/shop',
    commit,
    entries: [
      {
        key: 'db.host',
        file: 'config/app.yaml',
        op: 'set',
        previous: { plain: 'db1' },
        value: { plain: 'db2' },
      },
      { key: 'db.password', file: 'config/app.yaml', op: 'set', value: { digest, sealed: 'c2Vh' } },
      { key: 'old', file: 'config/app.yaml', op: 'delete', previous: { plain: '1' } },
    ],
  },
  SyncConfirmed: { ...place, run, commit, written: 2, deleted: 1, unchanged: 497 },
  SyncFailed: { ...place, run, error },
  DriftFound: { ...place, repository: 'acme/shop', keys: ['db.host'], count: 1 },
  DriftUnknown: { ...place, repository: 'acme/shop', error },
  DriftEnded: { ...place, repository: 'acme/shop' },
  HealRequested: {
    ...place,
    repository: 'acme/shop',
    pipeline: 'shop--production',
    run,
    afterSeq: 42,
  },
}
