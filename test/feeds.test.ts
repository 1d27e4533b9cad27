import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runDebounce } from '@headway/debounce/room.ts'
import { openOutside } from '@headway/fetcher/outside.ts'
import { runFetcher } from '@headway/fetcher/room.ts'
import type { RefusalCode } from '@headway/schemas/content/kind.ts'
import type { Event, EventOf } from '@headway/schemas/events.ts'
import { sha256 } from '@headway/schemas/ids.ts'
import { openCode } from '@headway/worker/code.ts'
import { systemClock } from '@headway/streams/room.ts'
import { runWorker } from '@headway/worker/room.ts'
import { append, defineAsset, definePipeline, startWorld, until, type World } from './harness.ts'

/**
 * Feeds that agencies really published, and broken ones, by HTTP through fetcher, debounce and worker to
 * an output. What is good comes out with the content that went in; what is not is refused by name.
 */
const data = fileURLToPath(new URL('../../shared/data/', import.meta.url))
const pipelines = fileURLToPath(new URL('../deploy/pipelines', import.meta.url))
const isThere = existsSync(join(data, 'schedule'))
/** Pipelines served at the same time; each has a thread of its own. */
const waveSize = 40
/** Generous, because a machine may have more to do; 12 s when it has not. */
const waveMsMax = 120_000

const filesIn = (folder: string, end: RegExp): string[] =>
  readdirSync(join(data, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && end.test(entry.name))
    .map((entry) => relative(data, join(entry.parentPath, entry.name)))
    .sort()

const files = isThere
  ? [
      ...filesIn('schedule', /\.zip$/),
      ...filesIn('realtime', /\.(pb|json)$/),
      ...filesIn('conformance/rt-validator', /\.pb$/),
    ]
  : []

/** Everything else is accepted. */
const refused: Readonly<Record<string, RefusalCode>> = {
  'conformance/rt-validator/jar/06-truncated.pb': 'malformed_protobuf',
  'conformance/rt-validator/jar/07-empty.pb': 'empty_body',
  'realtime/invalid.pb': 'text_document',
  'realtime/nasty/kcm-html-503.pb': 'html_page',
  'realtime/nasty/kcm-truncated.pb': 'truncated_protobuf',
  'realtime/nasty/st-empty.pb': 'empty_body',
  'realtime/soundtransit/trip_update_1683740698.json': 'json_document',
  'realtime/soundtransit/trip_update_1683740798.json': 'json_document',
  'realtime/soundtransit/trip_update_1683746223_bad.json': 'json_document',
  'realtime/soundtransit/vehicle_position_1683740698.json': 'json_document',
  'realtime/soundtransit/vehicle_position_1683740798.json': 'json_document',
  'realtime/soundtransit/vehicle_position_1683746223_bad.json': 'json_document',
  'schedule/nasty/c-missing-stops.zip': 'missing_required_file',
  'schedule/nasty/c-only-headers.zip': 'no_service',
  'schedule/nasty/empty-0-bytes.zip': 'empty_body',
  'schedule/nasty/html-error-page.zip': 'html_page',
  'schedule/nasty/path-traversal.zip': 'unsafe_zip',
  'schedule/nasty/truncated-half.zip': 'truncated_zip',
}

const server = createServer((request, response) => {
  response.end(readFileSync(join(data, decodeURIComponent(request.url!))))
})
let world: World
/** Newest event of each asset, and everything that went wrong. */
const newest = new Map<string, Event>()
const failures: Event[] = []

const follow = async (signal: AbortSignal): Promise<void> => {
  for await (const commits of world.doors.log.tail({ from: 1, signal }))
    for (const event of commits.flatMap(({ events }) => events)) {
      if (event.type === 'AssetVersioned' || event.type === 'FetchRefused')
        newest.set(event.asset, event)
      if (/^(StepFailed|RunFailed|FetchFailed|WorkerLost)$/.test(event.type)) failures.push(event)
    }
}

const isSchedule = (file: string) => file.endsWith('.zip')
const pipelineOf = (file: string) => `feed-${files.indexOf(file)}`
const outputOf = (file: string) =>
  `output/${pipelineOf(file)}/${isSchedule(file) ? 'feed.zip' : 'feed.pb'}`
const versionOf = (asset: string): EventOf<'AssetVersioned'> | undefined => {
  const event = newest.get(asset)
  return event?.type === 'AssetVersioned' ? event : undefined
}

const define = async (file: string, url: string): Promise<void> => {
  await definePipeline(world.doors, pipelineOf(file), {
    folder: isSchedule(file) ? 'passthrough-schedule' : 'passthrough-realtime',
    slots: isSchedule(file) ? { schedule: file } : { feed: file },
    stepTimeoutMs: waveMsMax,
    runTimeoutMs: waveMsMax,
  })
  const kind = isSchedule(file) ? 'gtfs_schedule_zip' : 'gtfs_rt_protobuf'
  await defineAsset(world.doors, file, { kind, url: `${url}/${file}`, cadenceMs: 3_600_000 })
}
const remove = async (file: string): Promise<void> => {
  const [v, at, pipeline] = [1 as const, '2026-11-21T00:00:00.000Z', pipelineOf(file)]
  await append(
    world.doors,
    { kind: 'pipeline', name: pipeline },
    { type: 'PipelineRemoved', v, at, pipeline },
  )
}

/** `accepted` when it came out, the code when it was refused. */
const outcomeOf = (file: string): string | undefined => {
  const event = newest.get(file)
  if (event?.type === 'FetchRefused') return event.code
  return versionOf(outputOf(file)) && 'accepted'
}

describe.skipIf(!isThere)(`the feeds of ${data}`, () => {
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    world = await startWorld()
    const { signal } = world
    world.run(follow(signal))
    world.run(runFetcher(await world.open('fetcher'), { outside: openOutside(), signal }))
    world.run(runDebounce(await world.open('debounce'), { signal }))
    const worker = {
      worker: 'w',
      pool: 'default',
      code: openCode({ root: pipelines, clock: systemClock }),
      host: 'here',
      pid: 1,
      signal,
    }
    world.run(runWorker(await world.open('worker'), worker))
  })
  afterAll(async () => {
    await world.stop()
    server.closeAllConnections()
    server.close()
  })

  test(
    'come out as they went in, or are refused by name',
    async () => {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      for (let first = 0; first < files.length; first += waveSize) {
        const wave = files.slice(first, first + waveSize)
        await Promise.all(wave.map((file) => define(file, url)))
        await until(
          'an outcome of every feed',
          () => {
            const open = wave.filter((file) => !outcomeOf(file))
            if (open.length > 0) throw new Error(`no outcome of ${open.join(', ')}`)
            return true
          },
          waveMsMax,
        )
        await Promise.all(wave.map(remove))
      }
      const table = Object.fromEntries(files.map((file) => [file, outcomeOf(file)]))
      expect(table).toEqual(
        Object.fromEntries(files.map((file) => [file, refused[file] ?? 'accepted'])),
      )
      expect(Object.keys(refused).filter((file) => !files.includes(file))).toEqual([])
      expect(failures).toEqual([])
    },
    4 * waveMsMax,
  )

  test('have the same content at both ends, and the bytes of both are there [I5]', async () => {
    const accepted = files.filter((file) => !refused[file])
    expect(accepted.length).toBeGreaterThan(80)
    for (const file of accepted) {
      const [input, output] = [versionOf(file)!, versionOf(outputOf(file))!]
      expect([file, output.contentDigest, output.rows]).toEqual([
        file,
        input.contentDigest,
        input.rows,
      ])
      expect(input.rawDigest).toBe(sha256(readFileSync(join(data, file))))
      for (const { rawDigest } of [input, output])
        expect(await world.doors.content.get('default', rawDigest)).not.toBeNull()
    }
  })

  test('are the same content when only their order or wrapping differs', () => {
    const digestOf = (file: string) => versionOf(file)!.contentDigest
    const [bibus, ok] = ['schedule/diff/bibus.zip', 'schedule/nasty/ok.zip']
    expect(digestOf('schedule/diff/bibus-change_order.zip')).toBe(digestOf(bibus))
    expect(digestOf('schedule/diff/bibus-modified_rows.zip')).not.toBe(digestOf(bibus))
    for (const name of ['c-bom-crlf-all', 'macosx-junk', 'nested-one-folder', 'trailing-garbage'])
      expect([name, digestOf(`schedule/nasty/${name}.zip`)]).toEqual([name, digestOf(ok)])
    const position = 'realtime/soundtransit/vehicle_position_1683740698.pb'
    expect(digestOf('realtime/nasty/st-only-timestamp-changed.pb')).toBe(digestOf(position))
    expect(digestOf('realtime/nasty/st-content-changed-same-timestamp.pb')).not.toBe(
      digestOf(position),
    )
  })
})

test.skipIf(isThere)(`the real feeds are missing: ${data} is not there`, () => {})
