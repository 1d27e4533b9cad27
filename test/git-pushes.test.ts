import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EventOf, EventType } from '@headway/schemas/events.ts'
import { ulidOf } from '@headway/schemas/ids.ts'
import type { ConfigTree } from '@headway/schemas/content/config-tree.ts'
import type { RuleDefinition, SourceDefinition } from '@headway/schemas/rules/definition.ts'
import { openOutside } from '@headway/fetcher/outside.ts'
import { runFetcher } from '@headway/fetcher/room.ts'
import { Repository, serveGit, type GitServer } from './git-world.ts'
import { startFetcherProcess } from './fetcher-process.ts'
import { append, eventsOf, startWorld, until, type World } from './harness.ts'

/** Pushes on the log become versions of targets, whatever happens to fetchers, refs and servers. */
const at = '2026-11-21T00:00:00.000Z'
const main = 'refs/heads/main'
let world: World
let root = ''
let server: GitServer
let shop: Repository
let endings: (() => Promise<void>)[] = []
let received = 0

beforeEach(async () => {
  world = await startWorld()
  root = mkdtempSync(join(tmpdir(), 'headway-pushes-'))
  server = await serveGit(root)
  shop = new Repository(root, 'acme/shop')
})
afterEach(async () => {
  for (const end of endings.splice(0)) await end()
  await world.stop()
  server.close()
  rmSync(root, { recursive: true, force: true })
})

const startFetcher = async (tickMs = 300) => {
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
const source = (definition: Partial<SourceDefinition> = {}) =>
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
const rule = (definition: Partial<RuleDefinition> = {}, name = 'shop') =>
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
const sink = (bucket = 'shop') =>
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
const push = async (commit: string | null, more: Pushed = {}) => {
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
const told = async <T extends EventType>(type: T): Promise<EventOf<T>[]> =>
  (await eventsOf(world.doors)).filter((event): event is EventOf<T> => event.type === type)
const answerOf = (task: string) =>
  until(`an answer to ${task}`, async () =>
    (await told('PushResolved')).find((event) => event.task === task),
  )
const outcomeOf = async (task: string) =>
  (await answerOf(task)).targets.map(({ outcome }) => outcome)
const resolved = async (commit: string | null, more: Pushed = {}) =>
  answerOf(await push(commit, more))
const treeOf = async (version: EventOf<'AssetVersioned'>): Promise<ConfigTree> =>
  JSON.parse(
    Buffer.from((await world.doors.content.get('default', version.rawDigest))!).toString(),
  ) as ConfigTree
const newest = async (asset = 'config/shop/acme.shop/production') =>
  treeOf((await told('AssetVersioned')).filter((event) => event.asset === asset).at(-1)!)
const defined = async () => {
  await Promise.all([source(), rule(), sink()])
}
const yaml = (text: string) => ({ 'config/app.yaml': text, 'README.md': 'x' })

describe('a push', () => {
  test('makes the target, then a version of exactly its commit', async () => {
    await defined()
    await startFetcher()
    const first = shop.commit(yaml('a: 1'), { message: 'the first' })
    shop.commit(yaml('a: 2'))
    expect((await resolved(first)).targets).toMatchObject([
      {
        rule: 'shop',
        environment: 'production',
        outcome: 'versioned',
        asset: 'config/shop/acme.shop/production',
      },
    ])
    expect(await newest()).toMatchObject({
      rule: { name: 'shop', sinks: ['shop-kv'] },
      sinks: { 'shop-kv': { type: 'nats_kv', options: { bucket: 'shop' } } },
      repository: 'acme/shop',
      ref: main,
      commit: first,
      author: 'Ann <ann@example.org>',
      message: 'the first',
      environment: 'production',
      dryRun: false,
      files: [{ path: 'config/app.yaml', text: 'a: 1' }],
    })
    const story = (await eventsOf(world.doors)).map(({ type }) => type)
    expect(story.slice(-5)).toEqual([
      'PushReceived',
      'PipelineDefined',
      'AssetDefined',
      'AssetVersioned',
      'PushResolved',
    ])
    const [pipeline] = await told('PipelineDefined')
    expect(pipeline!.definition).toMatchObject({
      folder: 'config-sync',
      slots: { tree: 'config/shop/acme.shop/production' },
      rule: 'shop',
    })
  })

  test('said again changes nothing; without a commit it means what the ref names', async () => {
    await defined()
    await startFetcher()
    const commit = shop.commit(yaml('a: 1'))
    await resolved(commit)
    expect(await outcomeOf(await push(commit))).toEqual(['unchanged'])
    const next = shop.commit(yaml('a: 2'))
    expect(await outcomeOf(await push(null, { event: 'manual' }))).toEqual(['versioned'])
    expect((await newest()).commit).toBe(next)
  })

  test('failure 12: of a repository that is excluded or of nobody does nothing', async () => {
    await source()
    await rule({ exclude: ['acme/sh*'] })
    await startFetcher()
    const { targets, reason } = await resolved(shop.commit(yaml('a: 1')))
    expect(targets).toEqual([])
    expect(reason).toContain('no rule is about acme/shop')
    expect(await told('AssetDefined')).toEqual([])
  })

  test('failure 14: that removes a file is a version without it, also when it was the last', async () => {
    await source()
    await rule({ environment: { paths: { 'config/**': 'production' } } })
    await startFetcher()
    await resolved(shop.commit({ ...yaml('a: 1'), 'config/b.yaml': 'b: 1' }))
    await resolved(shop.commit(yaml('a: 1')))
    expect((await newest()).files.map(({ path }) => path)).toEqual(['config/app.yaml'])
    await resolved(shop.commit({ 'README.md': 'x' }))
    expect((await newest()).files).toEqual([])
  })

  test('failure 14: that is older never wins, and a force push back does', async () => {
    await defined()
    await startFetcher()
    const first = shop.commit(yaml('a: 1'))
    const second = shop.commit(yaml('a: 2'))
    expect(await outcomeOf(await push(second))).toEqual(['versioned'])
    expect(await outcomeOf(await push(first))).toEqual(['older'])
    expect((await newest()).commit).toBe(second)
    shop.move(main, first)
    expect(await outcomeOf(await push(first))).toEqual(['versioned'])
    expect(await outcomeOf(await push(second))).toEqual(['older'])
    expect((await newest()).files).toMatchObject([{ text: 'a: 1' }])
  })

  test('failure 14: 100 at once, taken by three fetchers, end at the newest commit', async () => {
    await defined()
    const commits = Array.from({ length: 100 }, (_, i) => shop.commit(yaml(`a: ${i}`)))
    await Promise.all([startFetcher(), startFetcher(), startFetcher()])
    const order = commits.map((_, i) => commits[(i * 37) % 100]!)
    const tasks = await Promise.all(order.map((commit) => push(commit)))
    await until('all answers', async () => (await told('PushResolved')).length >= 100, 120_000)
    expect((await newest()).commit).toBe(commits.at(-1))
    const outcomes = await Promise.all(tasks.map(outcomeOf))
    expect(outcomes.flat().filter((outcome) => !/versioned|older/.test(outcome))).toEqual([])
    const ordinals = (await told('AssetVersioned')).map(({ ordinal }) => ordinal)
    expect(ordinals).toEqual(ordinals.map((_, i) => i + 1))
  }, 150_000)

  test.each(['refs/pull/42/head', 'refs/merge-requests/42/head', 'refs/pull-requests/42/from'])(
    'failure 13: of %s goes to the environment of the pull request',
    async (ref) => {
      await source()
      const environment = {
        pullRequests: true,
        paths: { '**': 'production' },
        default: 'production',
      }
      await rule({ environment })
      await startFetcher()
      const commit = shop.commit(
        { ...yaml('a: 42'), 'headway.json': '{"shop":{"environment":{"default":"production"}}}' },
        { ref },
      )
      const { targets } = await resolved(commit, { ref, event: 'pull_request', pullRequest: 42 })
      expect(targets).toMatchObject([{ environment: 'pr-42', outcome: 'versioned' }])
    },
  )

  test('failure 13: the map of paths leads from files to environments', async () => {
    await source()
    await rule({
      files: ['envs/**'],
      environment: { paths: { 'envs/prod/**': 'production', 'envs/qa/**': 'qa' } },
    })
    await startFetcher()
    const commit = shop.commit({
      'envs/prod/a.yaml': 'p',
      'envs/qa/a.yaml': 'q',
      'envs/x.yaml': 'x',
    })
    const { targets } = await resolved(commit)
    expect(targets.map(({ environment }) => environment)).toEqual(['production', 'qa'])
    expect((await newest('config/shop/acme.shop/qa')).files).toEqual([
      { path: 'envs/qa/a.yaml', text: 'q' },
    ])
  })

  test('asked for without writing has a target of its own and leaves the real one alone', async () => {
    await defined()
    await startFetcher()
    const commit = shop.commit(yaml('a: 1'))
    await resolved(commit)
    const next = shop.commit(yaml('a: 2'))
    const { targets } = await resolved(next, { dryRun: true })
    expect(targets).toMatchObject([
      { outcome: 'versioned', pipeline: expect.stringMatching(/--dry-run$/) },
    ])
    expect((await newest()).commit).toBe(commit)
    expect(await newest(targets[0]!.asset)).toMatchObject({ commit: next, dryRun: true })
    expect(await outcomeOf(await push(next))).toEqual(['versioned'])
  })
})

describe('a repository', () => {
  test('says what it may, and nothing else', async () => {
    await defined()
    await startFetcher()
    const may = { shop: { files: ['other/*.yaml'], dryRun: true } }
    await resolved(shop.commit({ 'other/a.yaml': 'a', 'headway.json': JSON.stringify(may) }))
    expect(await newest()).toMatchObject({ dryRun: true, files: [{ path: 'other/a.yaml' }] })
    for (const wish of [
      { prune: { enabled: true } },
      { sinks: ['x'] },
      { secrets: {} },
      { dryRun: false },
    ]) {
      const text = JSON.stringify({ shop: wish })
      const { targets } = await resolved(shop.commit({ ...yaml('a: 1'), 'headway.json': text }))
      expect(targets).toMatchObject([
        { outcome: 'refused', reason: expect.stringContaining('headway.json') },
      ])
    }
    expect(await newest()).toMatchObject({ dryRun: true })
  })

  test('with links, submodules and too much is harmless, and it is told', async () => {
    await defined()
    await startFetcher()
    const files = {
      ...yaml('a: 1'),
      'config/link.yaml': { link: '/etc/passwd' },
      'config/module.yaml': { submodule: '1'.repeat(40) },
    }
    const { targets } = await resolved(shop.commit(files))
    expect(targets[0]).toMatchObject({
      outcome: 'versioned',
      reason: 'left out: config/link.yaml (link), config/module.yaml (submodule)',
    })
    expect((await newest()).files).toEqual([{ path: 'config/app.yaml', text: 'a: 1' }])
    const huge = await resolved(shop.commit(yaml('x'.repeat(5_000_000))))
    expect(huge.targets).toMatchObject([
      { outcome: 'refused', reason: expect.stringContaining('bytes') },
    ])
    expect((await told('FetchFailed')).map(({ error }) => error.type)).toEqual(['push_refused'])
    expect((await newest()).files).toHaveLength(1)
  })
})

describe('trouble', () => {
  test('failure 9: of a moment is told and tried again until it goes well', async () => {
    await source({ url: server.url })
    await rule()
    await startFetcher()
    await resolved(shop.commit(yaml('a: 1')))
    server.interrupt = (_, response) => Boolean(response.writeHead(503).end())
    const task = await push(shop.commit(yaml('a: 2')))
    const [failed] = await until('it is told', async () => {
      const all = await told('FetchFailed')
      return all.length > 0 && all
    })
    expect(failed).toMatchObject({
      asset: 'config/shop/acme.shop/production',
      error: { type: 'unreachable' },
    })
    server.interrupt = null
    expect(await outcomeOf(task)).toEqual(['versioned'])
  })

  test('failure 9: that stays is a failure, never an empty success', async () => {
    await source({ url: server.url, auth: { token: 'env:GIT_CANARY' } })
    await rule()
    process.env.GIT_CANARY = 'canary-5d13'
    server.password = 'x-access-token:another'
    await startFetcher()
    const { targets } = await resolved(shop.commit(yaml('a: 1')))
    expect(targets).toMatchObject([{ environment: 'production', outcome: 'failed' }])
    expect(JSON.stringify(await eventsOf(world.doors))).not.toContain('canary-5d13')
    expect(await told('AssetVersioned')).toEqual([])
  })
})

describe('rules', () => {
  test('that change make what they know due again; when they go their targets go', async () => {
    await defined()
    await startFetcher()
    const commit = shop.commit(yaml('a: 1'))
    await resolved(commit)
    await rule({ separator: '/' })
    await until('a new version', async () => (await told('AssetVersioned')).length === 2)
    expect(await newest()).toMatchObject({ commit, rule: { separator: '/' } })
    await sink('other')
    await until('another', async () => (await told('AssetVersioned')).length === 3)
    expect((await newest()).sinks['shop-kv']!.options).toEqual({ bucket: 'other' })
    await append(
      world.doors,
      { kind: 'rule', name: 'shop' },
      { type: 'RuleRemoved', v: 1, at, rule: 'shop' },
    )
    await until('it is gone', async () => (await told('AssetRemoved')).length === 1)
    expect(await told('PipelineRemoved')).toHaveLength(1)
  })
})

describe('polling', () => {
  test('finds what moved, and is silent when nothing did [I18]', async () => {
    await source({ url: server.url, poll: { repositories: ['acme/shop'], everyMs: 1_000 } })
    await rule()
    const first = shop.commit(yaml('a: 1'))
    shop.commit(yaml('b'), { ref: 'refs/heads/unmapped' })
    await Promise.all([startFetcher(), startFetcher()])
    await until('the first', async () => (await told('AssetVersioned')).length === 1)
    expect((await newest()).commit).toBe(first)
    const looks = () => server.asked.filter((line) => line.startsWith('GET')).length
    const before = { looks: looks(), events: (await eventsOf(world.doors)).length }
    await until('more looks', () => looks() >= before.looks + 3)
    expect((await told('PushReceived')).map(({ event }) => event)).toEqual(['poll'])
    const second = shop.commit(yaml('a: 2'))
    await until('the second', async () => (await told('AssetVersioned')).length === 2)
    expect((await newest()).commit).toBe(second)
    shop.move(main, first)
    await until('the way back', async () => (await told('AssetVersioned')).length === 3)
    expect((await newest()).commit).toBe(first)
  })
})

describe('a fetcher', () => {
  test('that was away answers what was pushed meanwhile, and makes up for changed rules', async () => {
    await defined()
    const first = await startFetcher()
    const commit = shop.commit(yaml('a: 1'))
    await resolved(commit)
    await first.stop()
    const next = shop.commit(yaml('a: 2'))
    const task = await push(next)
    await rule({ separator: '/' })
    await startFetcher()
    expect(await outcomeOf(task)).toEqual(['versioned'])
    await until('the rule', async () => (await newest()).rule.separator === '/')
  })

  test('that is killed in the middle leaves its push to another one [I16]', async () => {
    await source({ url: server.url })
    await rule()
    process.env.HEADWAY_FETCHER_DIR = join(root, 'fetcher')
    const commit = shop.commit(yaml('a: 1'))
    for (const when of ['GET', 'POST']) {
      const dying = await startFetcherProcess(world.nats.url)
      let isHeld = false
      server.interrupt = (request) => (isHeld ||= request.method === when)
      const next = when === 'GET' ? commit : shop.commit(yaml('a: 2'))
      const task = await push(next)
      await until('the look', () => isHeld)
      process.kill(dying.pid, 'SIGKILL')
      await dying.exited
      server.interrupt = null
      const { stop } = await startFetcher()
      expect(await outcomeOf(task)).toEqual(['versioned'])
      expect((await newest()).commit).toBe(next)
      await stop()
    }
    expect(await told('FetchFailed')).toEqual([])
  }, 60_000)

  test('that is killed again and again while pushes come loses none [I16]', async () => {
    await defined()
    process.env.HEADWAY_FETCHER_DIR = join(root, 'fetcher')
    const tasks: string[] = []
    let last = ''
    for (let round = 0; round < 4; round++) {
      const dying = await startFetcherProcess(world.nats.url)
      for (let i = 0; i < 5; i++)
        tasks.push(await push((last = shop.commit(yaml(`a: ${round} ${i}`)))))
      const answered = (await told('PushResolved')).length
      await until('some work', async () => (await told('PushResolved')).length > answered)
      process.kill(dying.pid, 'SIGKILL')
      await dying.exited
    }
    await startFetcher()
    for (const task of tasks) expect(['versioned', 'older']).toContain((await outcomeOf(task))[0])
    expect((await newest()).commit).toBe(last)
    const ordinals = (await told('AssetVersioned')).map(({ ordinal }) => ordinal)
    expect(ordinals).toEqual(ordinals.map((_, index) => index + 1))
  }, 90_000)
})
