import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { runDebounce } from '@headway/debounce/room.ts'
import { ulidOf } from '@headway/schemas/ids.ts'
import { topology } from '@headway/streams/topology.ts'
import { append, definePipeline, eventsOf, startWorld, until } from './harness.ts'
import {
  closeWorld,
  eventsWhere,
  given,
  greet,
  one,
  openWorld,
  patient,
  request,
  rewrite,
  startWorker,
  stopWorkers,
  versionsOf,
  world,
} from './fixtures/pipelines/worker-world.ts'

/**
 * Thirty-five checks that the systems before this one fail, E1 to E35; those that are not about
 * configuration in Git are each named by a test. E35 is a figure: `npm run bench -- realtime`. E30 asks
 * what becomes of events older than the log keeps: it keeps them all.
 */
const checks = [...Array.from({ length: 18 }, (_, i) => i + 1), 29, 30, 31, 32, 33, 34]
const head = { v: 1 as const, at: '2026-11-21T00:00:00.000Z' }
const root = fileURLToPath(new URL('..', import.meta.url))

const testsIn = (directory: string): string[] =>
  readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'node_modules' || entry.name.startsWith('.')) return []
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return testsIn(path)
    return entry.name.endsWith('.test.ts') ? [readFileSync(path, 'utf8')] : []
  })

test.each(checks)('E%i has its test', (number) => {
  const titled = new RegExp(
    `test(\\.\\w+)?\\([^)]*\\[E${number}\\]|'[^'\\n]*\\[E${number}\\][^'\\n]*'`,
  )
  const texts = ['schemas', 'services', 'test'].flatMap((top) => testsIn(join(root, top)))
  expect(texts.some((text) => titled.test(text))).toBe(true)
})

test('a debouncer that dies inside the window leaves one run of both [E2] [I6] [I7]', async () => {
  const own = await startWorld()
  try {
    const { doors } = own
    await definePipeline(doors, 'p', {
      slots: { one: 'a' },
      debounce: { quietMs: 4_000, maxWaitMs: 10_000 },
    })
    const named = { ...head, pipeline: 'p', pipelineVersion: 'aaaaaaaaaaaa' }
    await append(
      doors,
      { kind: 'release', name: 'p' },
      {
        ...named,
        type: 'ReleaseRegistered',
        feedType: 'other',
        folder: 'p',
        inputs: { one: { kind: 'opaque_bytes', optional: false } },
        outputs: {},
        steps: [],
        edges: [],
      },
      { ...named, type: 'ReleaseActivated', actor: { name: 'ada' } },
    )
    const change = (ordinal: number) =>
      append(
        doors,
        { kind: 'asset', name: 'a' },
        {
          ...head,
          type: 'AssetVersioned',
          asset: 'a',
          version: ulidOf(ordinal, 'a'),
          ordinal,
          kind: 'opaque_bytes',
          rawDigest: 'd'.repeat(64),
          contentDigest: 'd'.repeat(64),
          sizeBytes: 1,
          rows: 0,
          facts: {},
          renditions: [{ name: 'x', mediaType: 'x/y', digest: 'd'.repeat(64), sizeBytes: 1 }],
          origin: { by: 'fetch', url: 'http://x', status: 200 },
        },
      )
    const alone = new AbortController()
    const first = runDebounce(await own.open('debounce-1'), { signal: alone.signal })
    await change(1)
    await until('its window is armed', async () => {
      const info = await own.doors.control.depth({ kind: 'due' })
      return info !== null
    })
    alone.abort()
    await first
    await change(2)
    own.run(runDebounce(await own.open('debounce-2'), { signal: own.signal }))
    const [request] = await until('a run is asked for', async () => {
      const events = await eventsOf(doors)
      const requests = events.filter((event) => event.type === 'RunRequested')
      return requests.length > 0 && requests
    })
    expect(request!.triggeredBy.map(({ ordinal }) => ordinal)).toEqual([1, 2])
  } finally {
    await own.stop()
  }
})

describe('on a real server', () => {
  beforeAll(openWorld)
  afterEach(stopWorkers)
  afterAll(closeWorld)

  test('a dead run is redriven onto another version after a fix [E12]', async () => {
    const {
      pipeline,
      root: folder,
      folder: path,
      version,
      out,
    } = await given('obey', {
      retry: { attempts: 1, backoffMs: 1, backoffMsMax: 1 },
    })
    const worker = await startWorker(pipeline, folder)
    await one('ReleaseActivated', { pipeline })
    const run = await request(pipeline, version, { say: 'it', fail: 'terminal' })
    await one('RunFailed', { run })
    await worker.stop()
    await rewrite(path, (source) =>
      greet('mended')(source).replace(
        'inputs: { orders: opaqueBytes },',
        'inputs: { orders: opaqueBytes }, // mended',
      ),
    )
    await startWorker(pipeline, folder)
    const fixed = await until('the fix is active', async () => {
      const activated = await eventsWhere('ReleaseActivated', { pipeline })
      return activated[1]?.pipelineVersion
    })
    const redrive = (pipelineVersion?: string) =>
      append(
        world.doors,
        { kind: 'pipeline', name: pipeline },
        {
          ...head,
          type: 'RedriveRequested',
          pipeline,
          redrive: ulidOf(Date.now(), pipeline, pipelineVersion ?? ''),
          runs: [run],
          startOver: false,
          actor: { name: 'ada', reason: 'fixed' },
          ...(pipelineVersion === undefined ? {} : { pipelineVersion }),
        },
      )
    await redrive(fixed)
    const redriven = await one('RunRedriven', { run })
    expect(redriven).toMatchObject({ pipelineVersion: fixed, actor: { reason: 'fixed' } })
    const started = await until('it starts on the fix', async () => {
      return (await eventsWhere('RunStarted', { run })).find(({ epoch }) => epoch === 1)
    })
    expect(started.pipelineVersion).toBe(fixed)
    await one('RunFailed', { run, epoch: 1 })
    expect(await versionsOf(out)).toEqual([])
  })

  test('of a run with a failed step nothing is published, not even what went well [E32]', async () => {
    const { pipeline, root: folder, version, out } = await given('chain', { retry: patient })
    await startWorker(pipeline, folder)
    await one('ReleaseActivated', { pipeline })
    const run = await request(pipeline, version, {
      diary: join(folder, 'diary.txt'),
      brokenWhile: join(folder, 'chain', 'pipeline.ts'),
      isTerminal: true,
    })
    await one('RunFailed', { run })
    expect(await eventsWhere('StepSucceeded', { run, step: 'first' })).toHaveLength(1)
    expect(await eventsWhere('ArtifactPublished', { run })).toEqual([])
    expect(await versionsOf(out)).toEqual([])
    expect(await versionsOf(`output/${pipeline}/begun.bin`)).toEqual([])
  })

  test('the log keeps every event, so a rebuild never lacks one [E30]', () => {
    const { EVENTS } = topology
    expect(EVENTS).toMatchObject({ deny_delete: true, deny_purge: true, discard: 'new' })
    expect(EVENTS).not.toHaveProperty('max_age')
    expect(EVENTS).not.toHaveProperty('max_bytes')
  })
})
