/** A log, a repository and fetchers between them, made anew for each test. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openOutside } from '@headway/fetcher/outside.ts'
import { runFetcher } from '@headway/fetcher/room.ts'
import type { ConfigTree } from '@headway/schemas/content/config-tree.ts'
import type { EventOf, EventType } from '@headway/schemas/events.ts'
import { ulidOf } from '@headway/schemas/ids.ts'
import type { RuleDefinition, SourceDefinition } from '@headway/schemas/rules/definition.ts'
import { Repository, serveGit, type GitServer } from './git-world.ts'
import { append, eventsOf, startWorld, until, type World } from './harness.ts'

export const at = '2026-11-21T00:00:00.000Z'
const main = 'refs/heads/main'
export let world: World
export let root = ''
export let server: GitServer
export let shop: Repository
const endings: (() => Promise<void>)[] = []
let received = 0

export const openPushWorld = async () => {
  world = await startWorld()
  root = mkdtempSync(join(tmpdir(), 'headway-pushes-'))
  server = await serveGit(root)
  shop = new Repository(root, 'acme/shop')
}
export const closePushWorld = async () => {
  for (const end of endings.splice(0)) await end()
  await world.stop()
  server.close()
  rmSync(root, { recursive: true, force: true })
}

export const startFetcher = async (tickMs = 300) => {
  const stop = new AbortController()
  const outside = openOutside(join(root, 'fetcher'))
  const running = runFetcher(await world.open('fetcher'), { outside, signal: stop.signal, tickMs })
  const end = async () => {
    stop.abort()
    await running
  }
  endings.push(end)
  return { stop: end }
}
export const source = (definition: Partial<SourceDefinition> = {}) =>
  append(
    world.doors,
    { kind: 'source', name: 'acme' },
    {
      type: 'SourceDefined',
      v: 1,
      at,
      source: 'acme',
      definition: {
        platform: 'github',
        url: `file://${root}`,
        allowPrivateHosts: true,
        ...definition,
      },
    },
  )
export const rule = (definition: Partial<RuleDefinition> = {}, name = 'shop') =>
  append(
    world.doors,
    { kind: 'rule', name },
    {
      type: 'RuleDefined',
      v: 1,
      at,
      rule: name,
      definition: {
        source: 'acme',
        repositories: ['acme/*'],
        files: ['config/*.yaml'],
        environment: { branches: { main: 'production' } },
        sinks: ['shop-kv'],
        ...definition,
      },
    },
  )
export const sink = (bucket = 'shop') =>
  append(
    world.doors,
    { kind: 'sink', name: 'shop-kv' },
    {
      type: 'SinkDefined',
      v: 1,
      at,
      sink: 'shop-kv',
      definition: { type: 'nats_kv', options: { bucket } },
    },
  )
type Pushed = Partial<Omit<EventOf<'PushReceived'>, 'type'>>
export const push = async (commit: string | null, more: Pushed = {}) => {
  const task = ulidOf(Date.now(), 'push', received++)
  await append(
    world.doors,
    { kind: 'source', name: 'acme' },
    {
      type: 'PushReceived',
      v: 1,
      at,
      source: 'acme',
      delivery: task,
      platform: 'github',
      event: 'push',
      repository: 'acme/shop',
      ref: main,
      ...(commit === null ? {} : { commit }),
      actor: 'ann',
      task,
      dryRun: false,
      ...more,
    },
  )
  return task
}
export const told = async <T extends EventType>(type: T): Promise<EventOf<T>[]> =>
  (await eventsOf(world.doors)).filter((event): event is EventOf<T> => event.type === type)
const answerOf = (task: string) =>
  until(`an answer to ${task}`, async () =>
    (await told('PushResolved')).find((event) => event.task === task),
  )
export const outcomeOf = async (task: string) =>
  (await answerOf(task)).targets.map(({ outcome }) => outcome)
export const resolved = async (commit: string | null, more: Pushed = {}) =>
  answerOf(await push(commit, more))
const treeOf = async (version: EventOf<'AssetVersioned'>): Promise<ConfigTree> =>
  JSON.parse(
    Buffer.from((await world.doors.content.get('default', version.rawDigest))!).toString(),
  ) as ConfigTree
export const newest = async (asset = 'config/shop/acme.shop/production') =>
  treeOf((await told('AssetVersioned')).filter((event) => event.asset === asset).at(-1)!)
export const defined = async () => {
  await Promise.all([source(), rule(), sink()])
}
export const yaml = (text: string) => ({ 'config/app.yaml': text, 'README.md': 'x' })
