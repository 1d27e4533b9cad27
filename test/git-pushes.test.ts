import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { join } from 'node:path'
import { startFetcherProcess } from './fetcher-process.ts'
import { eventsOf, until } from './harness.ts'
import {
  closePushWorld,
  defined,
  newest,
  openPushWorld,
  outcomeOf,
  push,
  resolved,
  root,
  rule,
  server,
  shop,
  source,
  startFetcher,
  told,
  world,
  yaml,
} from './push-world.ts'

/** Pushes on the log become versions of targets, whatever happens to fetchers, refs and servers. */
const main = 'refs/heads/main'
beforeEach(openPushWorld)
afterEach(closePushWorld)

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

  test('[B4.12] of a repository that is excluded or of nobody does nothing', async () => {
    await source()
    await rule({ exclude: ['acme/sh*'] })
    await startFetcher()
    const { targets, reason } = await resolved(shop.commit(yaml('a: 1')))
    expect(targets).toEqual([])
    expect(reason).toContain('no rule is about acme/shop')
    expect(await told('AssetDefined')).toEqual([])
  })

  test('[B4.14] that removes a file is a version without it, also when it was the last', async () => {
    await source()
    await rule({ environment: { paths: { 'config/**': 'production' } } })
    await startFetcher()
    await resolved(shop.commit({ ...yaml('a: 1'), 'config/b.yaml': 'b: 1' }))
    await resolved(shop.commit(yaml('a: 1')))
    expect((await newest()).files.map(({ path }) => path)).toEqual(['config/app.yaml'])
    await resolved(shop.commit({ 'README.md': 'x' }))
    expect((await newest()).files).toEqual([])
  })

  test('[B4.14] that is older never wins, and a force push back does', async () => {
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

  test('[B4.14] 100 at once, taken by three fetchers, end at the newest commit', async () => {
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
    '[B4.13] of %s goes to the environment of the pull request',
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

  test('[B4.13] the map of paths leads from files to environments', async () => {
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

describe('trouble', () => {
  test('[B4.9] of a moment is told and tried again until it goes well', async () => {
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

  test('[B4.9] that stays is a failure, never an empty success', async () => {
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
    // The changed rule makes a push of the same commit, and either of the two may be taken first.
    expect((await outcomeOf(task)).join()).toMatch(/^(versioned|unchanged)$/)
    await until('the rule', async () => (await newest()).rule.separator === '/')
    expect((await newest()).commit).toBe(next)
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
      const answered = (await told('PushResolved')).length
      for (let i = 0; i < 5; i++)
        tasks.push(await push((last = shop.commit(yaml(`a: ${round} ${i}`)))))
      await until('some work', async () => (await told('PushResolved')).length > answered)
      process.kill(dying.pid, 'SIGKILL')
      await dying.exited
    }
    await startFetcher()
    for (const task of tasks) {
      const [outcome] = await outcomeOf(task)
      expect(['versioned', 'unchanged', 'older']).toContain(outcome)
      // Who is killed between a version and its answer leaves that to one who finds it unchanged.
      const made = (await told('AssetVersioned')).map(({ facts }) => facts.push)
      if (outcome !== 'older') expect(made).toContain(task)
    }
    expect((await newest()).commit).toBe(last)
    const ordinals = (await told('AssetVersioned')).map(({ ordinal }) => ordinal)
    expect(ordinals).toEqual(ordinals.map((_, index) => index + 1))
  }, 90_000)
})
