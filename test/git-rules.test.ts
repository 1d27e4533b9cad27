import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DriftChecks } from '@headway/worker/drift.ts'
import { append, until } from './harness.ts'
import {
  at,
  closePushWorld,
  defined,
  newest,
  openPushWorld,
  outcomeOf,
  push,
  resolved,
  rule,
  shop,
  sink,
  source,
  startFetcher,
  told,
  world,
  yaml,
} from './push-world.ts'
import { scheduleOf } from './schedule.ts'

/** What a repository may say about the rules that read it, and what becomes of targets when rules change. */
beforeEach(openPushWorld)
afterEach(closePushWorld)

describe('a repository', () => {
  test('says what it may, and nothing else [B4.5]', async () => {
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

  test('brings along the JSON Schemas that its schema leads to, and nothing from outside', async () => {
    await source()
    await rule({ validate: { jsonSchema: 'schemas/app.json' } })
    await startFetcher()
    const schema = (...references: string[]) =>
      JSON.stringify({ allOf: references.map(($ref) => ({ $ref })) })
    const commit = shop.commit({
      ...yaml('a: 1'),
      'schemas/app.json': schema('types/a.yaml#/x', '../../etc/passwd', 'link.json', 'file:///etc'),
      'schemas/types/a.yaml': 'allOf: [{ $ref: ../../b.json }, { $ref: a.yaml }]',
      'b.json': schema('schemas/app.json', 'https://x.org/c.json'),
      'c.json': '{}',
      'schemas/link.json': { link: '/etc/passwd' },
    })
    await resolved(commit)
    expect((await newest()).files.map(({ path }) => path)).toEqual([
      'b.json',
      'config/app.yaml',
      'schemas/app.json',
      'schemas/types/a.yaml',
    ])
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

describe('rules', () => {
  test('of one repository all get its push, each its own files', async () => {
    await defined()
    await rule({ files: ['README.md'], environment: { branches: { main: 'qa' } } }, 'docs')
    await startFetcher()
    const { targets } = await resolved(shop.commit(yaml('a: 1')))
    expect(targets).toMatchObject([
      { rule: 'docs', environment: 'qa', outcome: 'versioned' },
      { rule: 'shop', environment: 'production', outcome: 'versioned' },
    ])
    const paths = async (asset: string) => (await newest(asset)).files.map(({ path }) => path)
    expect(await paths('config/docs/acme.shop/qa')).toEqual(['README.md'])
    expect(await paths('config/shop/acme.shop/production')).toEqual(['config/app.yaml'])
  })

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

  test('that look for drift have it looked for in every target, for as long as they say so', async () => {
    const timerOf = (environment: string) =>
      ({ kind: 'drift', tenant: 'default', pipeline: `shop--${environment}` }) as const
    const isArmed = (environment: string, schedule: string | null) =>
      until(`${schedule} in ${environment}`, async () => {
        return (await scheduleOf(world, timerOf(environment))) === schedule
      })
    const place = { repositories: ['acme/shop'], pool: 'near', environment: { branch: true } }
    await source()
    await rule({ ...place, drift: { everyMs: 1_000 } })
    await startFetcher()
    const push = async (name: string, text: string) => {
      const ref = `refs/heads/${name}`
      await resolved(shop.commit(yaml(text), { ref }), { ref })
    }
    await push('main', 'a: 1')
    await push('other', 'a: 1')
    const asking = new AbortController()
    const checks: unknown[] = []
    const taken = world.doors.control.consume<'CheckDrift'>(
      { kind: 'drift', pool: 'near' },
      { concurrency: 1, signal: asking.signal },
      async ({ command, ack }) => {
        checks.push(command)
        ack()
      },
    )
    const about = { type: 'CheckDrift', rule: 'shop', repository: 'acme/shop', pool: 'near' }
    for (const environment of ['main', 'other']) {
      const check = { ...about, environment, pipeline: `shop--${environment}` }
      await until(`a check of ${environment}`, () => {
        expect(checks).toContainEqual(check)
        return true
      })
    }
    asking.abort()
    await taken
    await rule({ ...place, drift: { everyMs: 2_000 } })
    await isArmed('main', '@every 2s')
    // What the server lost is armed again.
    await world.doors.control.disarm(timerOf('main'))
    await isArmed('main', '@every 2s')

    await rule(place)
    const worker = await world.open('worker')
    const working = new AbortController()
    const { signal } = working
    const looks = new DriftChecks({ doors: worker, worker: 'near-1', pool: 'near', signal })
    looks.need()
    const looked = looks.take()
    for (const environment of ['main', 'other']) await isArmed(environment, null)
    working.abort()
    await looked
    // Whatever makes the fetcher look at its targets again arms nothing; nor does a rule that is dry.
    await rule({ ...place, dryRun: true, drift: { everyMs: 1_000 } })
    await push('main', 'a: 2')
    await push('main', 'a: 3')
    for (const environment of ['main', 'other'])
      expect(await scheduleOf(world, timerOf(environment))).toBeNull()
  })
})

describe('what a rule does not lead to any more', () => {
  const production = 'config/shop/acme.shop/production'
  const gone = async (count: number) => {
    await until('a target is gone', async () => (await told('AssetRemoved')).length === count)
    const [asset, pipeline] = [await told('AssetRemoved'), await told('PipelineRemoved')]
    return { asset: asset.at(-1)!, pipeline: pipeline.at(-1)! }
  }

  test('because its map of environments changed is retired, told, and back when led there', async () => {
    await defined()
    await startFetcher()
    const commit = shop.commit(yaml('a: 1'))
    await resolved(commit)
    await rule({ environment: { branches: { main: 'live' } } })
    const { asset, pipeline } = await gone(1)
    const reason =
      'refs/heads/main does not lead to production any more; what it wrote stays where it is'
    expect([asset.asset, asset.reason, pipeline.reason]).toEqual([production, reason, reason])
    const answer = await until('the answer', async () =>
      (await told('PushResolved')).find(({ targets }) => targets.length === 2),
    )
    expect(answer.targets.map(({ environment, outcome }) => [environment, outcome])).toEqual([
      ['live', 'versioned'],
      ['production', 'retired'],
    ])
    await rule()
    expect((await gone(2)).asset.asset).toBe('config/shop/acme.shop/live')
    expect((await told('PipelineDefined')).at(-1)).toMatchObject({ pipeline: pipeline.pipeline })
    expect(await outcomeOf(await push(shop.commit(yaml('a: 2'))))).toEqual(['versioned'])
  })

  test('because its repositories changed is retired and told', async () => {
    await defined()
    await startFetcher()
    await resolved(shop.commit(yaml('a: 1')))
    await rule({ exclude: ['acme/sh*'] })
    const { asset, pipeline } = await gone(1)
    const reason = 'its rule is not about acme/shop now; what it wrote stays where it is'
    expect([asset.asset, asset.reason, pipeline.reason]).toEqual([production, reason, reason])
  })

  test('is left alone by an older commit, a dry run, and a push for one environment', async () => {
    await source()
    await rule({ environment: { default: 'production' } })
    await startFetcher()
    const elsewhere = JSON.stringify({ shop: { environment: { default: 'live' } } })
    const first = shop.commit({ ...yaml('a: 1'), 'headway.json': elsewhere })
    const second = shop.commit(yaml('a: 2'))
    await resolved(second)
    await resolved(first)
    await resolved(first, { dryRun: true })
    await resolved(second, { environment: 'other' })
    expect(await told('AssetRemoved')).toEqual([])
  })
})
