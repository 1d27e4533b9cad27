/** The command line as a process against a real server: what it prints, appends, and ends with. */
import { connect } from '@nats-io/transport-node'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { applyConfig } from '@headway/cli/apply.ts'
import { encodeCommand, encodeEvents } from '@headway/schemas/codec.ts'
import { parseConfig } from '@headway/schemas/config.ts'
import type { Event } from '@headway/schemas/events.ts'
import type { Log } from '@headway/schemas/ports.ts'
import { append, defineAsset, eventsOf, history, startWorld, until, type World } from './harness.ts'

const main = fileURLToPath(new URL('../deploy/headway.mjs', import.meta.url))
const demo = fileURLToPath(new URL('../headway.yaml', import.meta.url))
/** Each command is a process of its own. */
vi.setConfig({ testTimeout: 90_000 })

let world: World
let site: Server
let siteUrl: string
let answer: (path: string, method: string) => { status?: number; body: Uint8Array | string }
/** `METHOD path header` of every request to the site. */
let asked: string[]

type Ended = { code: number | null; stdout: string; stderr: string }
type Given = {
  input?: Uint8Array
  env?: Record<string, string>
  kill?: (stdout: string) => boolean
}

/** Runs `headway …`; `kill` sends SIGINT as soon as it likes what it sees. */
const headway = (args: readonly string[], given: Given = {}): Promise<Ended> => {
  const env = {
    ...process.env,
    NO_COLOR: '1',
    HEADWAY_NATS_URL: world.nats.url,
    HEADWAY_API_URL: siteUrl,
    ...given.env,
  }
  const child = spawn(process.execPath, [main, ...args], {
    env,
    cwd: world.directory,
  })
  const ended: Ended = { code: null, stdout: '', stderr: '' }
  child.stderr.setEncoding('utf8').on('data', (text: string) => (ended.stderr += text))
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    ended.stdout += text
    // A second Ctrl-C would mean at once.
    if (!child.killed && given.kill?.(ended.stdout)) child.kill('SIGINT')
  })
  child.stdin.end(given.input ?? '')
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ ...ended, code }))
  })
}

const write = async (name: string, text: string): Promise<string> => {
  const path = join(world.directory, name)
  await writeFile(path, text)
  return path
}

beforeAll(async () => {
  world = await startWorld()
  site = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${String(request.headers['x-api-key'] ?? '')}`)
    const { status = 200, body } = answer(request.url!, request.method!)
    response.writeHead(status).end(body)
  })
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  siteUrl = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
})
beforeEach(() => {
  asked = []
  answer = () => ({ status: 404, body: '{}' })
})
afterAll(async () => {
  site.close()
  await world.stop()
})

describe('apply', () => {
  test('shows, appends once per topic, and has nothing to do the second time', async () => {
    const dry = await headway(['apply', demo, '--dry-run'])
    expect(dry).toMatchObject({ code: 0, stderr: expect.stringContaining('14 added') })
    expect(await eventsOf(world.doors)).toEqual([])

    const first = await headway(['apply', demo])
    expect(first.stdout).toBe(dry.stdout)
    expect(first.stdout).toContain('+ asset     pims/qa/trip_updates')
    expect(first.stderr).toContain('14 added, through position 14 of the log')
    const commits = await history(world.doors)
    expect(commits.map(({ events }) => events.map(({ type }) => type))).toEqual([
      ...Array(6).fill(['AssetDefined']),
      ...Array(4).fill(['PipelineDefined']),
      ['SourceDefined'],
      ...Array(2).fill(['SinkDefined']),
      ['RuleDefined'],
    ])
    expect(new Set(commits.map(({ id }) => id)).size).toBe(14)

    expect(await headway(['apply', demo])).toEqual({
      code: 0,
      stdout: 'nothing to change\n',
      stderr: '',
    })
    expect(await eventsOf(world.doors)).toHaveLength(14)
  })

  test('a change is told field by field in the words of the file', async () => {
    const text = (await readFile(demo, 'utf8')).replace('every: 5s', 'every: 10s')
    const [from, to] = ['  st-schedule-staging:', '# Configuration in Git'].map((at) =>
      text.indexOf(at),
    )
    const cut = text.slice(0, from) + text.slice(to)
    const file = await write('changed.yaml', cut)
    const { stdout, code } = await headway(['apply', file])
    expect(code).toBe(0)
    expect(stdout).toBe(
      '~ asset     pims/prod/vehicle_positions\n    every  5s → 10s\n' +
        '- pipeline  st-schedule-staging\n',
    )
    const events = await eventsOf(world.doors)
    expect(events.slice(14)).toMatchObject([
      { type: 'AssetDefined', definition: { cadenceMs: 10_000 } },
      { type: 'PipelineRemoved', pipeline: 'st-schedule-staging' },
    ])
    const json = JSON.parse((await headway(['apply', demo, '--json'])).stdout) as object
    expect(json).toMatchObject({
      tenant: 'default',
      changes: [
        { name: 'pims/prod/vehicle_positions', change: 'changed' },
        { name: 'st-schedule-staging', change: 'added' },
      ],
    })
  })

  test('another tenant is another world', async () => {
    const file = await write('other.yaml', 'tenant: other\nassets: { a: { kind: csv_table } }')
    expect((await headway(['apply', file])).stdout).toContain('+ asset     a')
    expect((await headway(['apply', demo])).stdout).toBe('nothing to change\n')
  })

  test('a broken file changes nothing and says where', async () => {
    const before = await eventsOf(world.doors)
    const file = await write('broken.yaml', 'assets: { a: { kind: csv, evry: 5s } }')
    const { code, stdout, stderr } = await headway(['apply', file])
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain('broken.yaml has 2 problems')
    expect(stderr).toContain(
      'broken.yaml:1:27  assets.a.evry is not known here; did you mean every?',
    )
    expect(await eventsOf(world.doors)).toEqual(before)
  })

  test('no file is 3, no server is 5, both with what to do', async () => {
    expect(await headway(['apply', 'none.yaml'])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('none.yaml cannot be read (ENOENT)\n  npm run headway --'),
    })
    expect(
      await headway(['apply', demo], { env: { HEADWAY_NATS_URL: 'nats://me:pw@127.0.0.1:9' } }),
    ).toMatchObject({
      code: 5,
      stdout: '',
      stderr: expect.stringMatching(/^no NATS server at 127\.0\.0\.1:9 .*\n {2}npm start/),
    })
  })
})

describe('applyConfig and others who write at the same time', () => {
  const config = (key: string, every: string) =>
    parseConfig(
      `tenant: default\nassets: { ${key}: { kind: csv_table, url: 'http://h/', every: ${every} } }`,
      'f',
      {},
    )
  /** Only what is about `key`: the log has other things. */
  const only = (key: string) => ({ only: ({ name }: { name: string }) => name === key })
  /** The log, with something happening just before our first append. */
  const disturbed = (meanwhile: () => Promise<unknown>): Log => {
    let done = false
    return {
      ...world.doors.log,
      append: async (commit) => {
        if (!done) {
          done = true
          await meanwhile()
        }
        return world.doors.log.append(commit)
      },
    }
  }
  const definitionsOf = async (key: string) =>
    (await eventsOf(world.doors)).filter((e) => e.type === 'AssetDefined' && e.asset === key)

  test('[I2] what somebody else defined meanwhile is not overwritten', async () => {
    const log = disturbed(() => defineAsset(world.doors, 'raced', { kind: 'opaque_bytes' }))
    await expect(applyConfig(log, config('raced', '5s'), only('raced'))).rejects.toMatchObject({
      ending: 'conflict',
      message: expect.stringContaining('somebody else changed asset raced'),
    })
    expect(await definitionsOf('raced')).toHaveLength(1)
  })

  test('a commit that defines nothing is no conflict', async () => {
    await applyConfig(world.doors.log, config('busy', '5s'), only('busy'))
    const failed: Event = {
      type: 'FetchRecovered',
      v: 1,
      at: '2026-11-21T00:00:00.000Z',
      asset: 'busy',
    }
    const log = disturbed(() => append(world.doors, { kind: 'asset', name: 'busy' }, failed))
    const { changes, seq } = await applyConfig(log, config('busy', '9s'), only('busy'))
    expect(changes).toMatchObject([{ change: 'changed', fields: [{ from: 5_000, to: 9_000 }] }])
    expect(seq).toBe((await world.doors.log.head()).seq)
    expect(await definitionsOf('busy')).toHaveLength(2)
  })

  test('[I1] the same file applied by many at once is appended once', async () => {
    const many = Array.from({ length: 8 }, () =>
      applyConfig(world.doors.log, config('many', '5s'), only('many')),
    )
    const ended = await Promise.allSettled(many)
    expect(ended.some(({ status }) => status === 'fulfilled')).toBe(true)
    expect(await definitionsOf('many')).toHaveLength(1)
  })

  test('a fold that is long behind is waited for', async () => {
    const { log } = world.doors
    const slow: Log = {
      ...log,
      tail: async function* (options) {
        await new Promise((resolve) => setTimeout(resolve, 150))
        if (!options.signal.aborted) yield* log.tail(options)
      },
    }
    const { changes } = await applyConfig(slow, config('many', '5s'), only('many'))
    expect(changes).toEqual([])
  })
})

describe('sub', () => {
  test('one line per event, from the first on, of what is asked for', async () => {
    const { stdout, code } = await headway(['sub', 'asset/pims/qa', '--all', '--count', '3'])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} +4 {2}asset pims\/qa\/schedule {2}AssetDefined {2}/,
    )
    expect(stdout).toMatch(
      /AssetDefined {2}gtfs_schedule_zip {2}http:\S+schedule\.zip {2}every 1m\n/,
    )
    expect(stdout.trim().split('\n')).toHaveLength(3)
    const same = await headway(['sub', 'headway.*.asset.pims.qa.>', '--all', '--count', '3'])
    expect(same.stdout).toBe(stdout)
  })

  test('NDJSON from a position, and from a time ago', async () => {
    const args = ['sub', 'pipeline', '--json', '--tenant', 'default', '--count', '1', '--since']
    const bySeq = await headway([...args, '8'])
    expect(JSON.parse(bySeq.stdout)).toMatchObject({
      tenant: 'default',
      seq: 8,
      index: 0,
      topic: { kind: 'pipeline', name: 'st-realtime-staging' },
      event: { type: 'PipelineDefined' },
    })
    const byTime = await headway([...args, '1h'])
    expect(JSON.parse(byTime.stdout)).toMatchObject({ seq: 7 })
  })

  test('live, until Ctrl-C, with what cannot be read in its place', async () => {
    const kill = (text: string) => text.includes('unreadable') && text.includes('WorkerLeft')
    const shown = headway(['sub', 'worker'], { kill })
    const left: Event = {
      type: 'WorkerLeft',
      v: 1,
      at: '2026-11-21T00:00:00.000Z',
      worker: 'w1',
      pool: 'p',
      reason: 'line one\nline two',
    }
    const stranger = await connect({ servers: world.nats.url })
    const unknown = JSON.stringify({ ...left, type: 'Whatever' })
    let ended: Ended | null = null
    void shown.then((result) => (ended = result))
    await until('the line to come', async () => {
      await stranger.request('headway.default.worker.p', unknown)
      await append(world.doors, { kind: 'worker', name: 'p' }, left)
      await new Promise((resolve) => setTimeout(resolve, 100))
      return ended
    })
    await stranger.close()
    const { stdout, code } = await shown
    expect(code).toBe(0)
    expect(stdout).toMatch(/worker p {2}unreadable {2}unknown event type "Whatever"\n/)
    expect(stdout).toMatch(/worker p {2}WorkerLeft {2}w1 {2}line one line two\n/)
  })

  test('what makes no sense is 2', async () => {
    const wrong = [['what.ever'], ['--since', 'soon'], ['--count', '0'], ['--nope']]
    for (const ended of await Promise.all(wrong.map((args) => headway(['sub', ...args]))))
      expect(ended).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('decode', () => {
  const event: Event = { type: 'AssetRemoved', v: 1, at: '2026-11-21T00:00:00.000Z', asset: 'a/b' }
  const decode = async (input: Uint8Array): Promise<unknown> => {
    const { code, stdout, stderr } = await headway(['decode'], { input })
    expect([code, stderr]).toEqual([0, ''])
    return JSON.parse(stdout)
  }

  test('commits and commands, msgpack and JSON', async () => {
    const command = { type: 'FetchAsset', asset: 'a', full: true } as const
    const [commit, ordered, json, stranger] = await Promise.all([
      decode(encodeEvents([event])),
      decode(encodeCommand(command)),
      decode(Buffer.from(JSON.stringify([event]))),
      decode(Buffer.from('{"type":"NotOurs"}')),
    ])
    expect([commit, ordered, json]).toEqual([[event], command, [event]])
    expect(stranger).toEqual({ type: 'NotOurs' })
  })

  test('never fails', async () => {
    const [nothing, half, halfJson, rare] = await Promise.all([
      decode(Buffer.of()),
      decode(encodeEvents([event]).subarray(0, 20)),
      decode(Buffer.from('{"type":')),
      // {a: the bytes "hi", b: 2^63}
      decode(Buffer.from('82a161c4026869a162cf8000000000000000', 'hex')),
    ])
    expect(nothing).toEqual({ unreadable: expect.any(String), sizeBytes: 0 })
    expect(half).toEqual({ unreadable: expect.any(String), sizeBytes: 20 })
    expect(halfJson).toEqual({ unreadable: expect.any(String), sizeBytes: 8 })
    expect(rare).toEqual({ a: 'aGk=', b: expect.anything() })
  })
})

describe('add', () => {
  const zip = Buffer.from('504b0304000000', 'hex')
  const feed = Buffer.from('0a0d0a03322e3010001880a3b1b106', 'hex')
  const head = '# mine\nassets:\n  a: { kind: csv_table } # kept\n\npipelines: {}\n'

  test('a feed behind a key: into the file as it was, and onto the log', async () => {
    answer = () => ({ body: feed })
    const file = await write('mine.yaml', head)
    const given = ['--header', 'X-Api-Key=env:SITE_TOKEN', '--file', file, '--key', 'mine/vp']
    const { code, stdout, stderr } = await headway(['add', `${siteUrl}/vp.pb`, ...given], {
      env: { SITE_TOKEN: 's3cret' },
    })
    expect([code, stderr]).toEqual([0, expect.stringContaining('2 added')])
    expect(stdout).toContain('gtfs_rt_protobuf  15 B  ')
    expect(asked).toEqual(['GET /vp.pb s3cret'])
    const text = await readFile(file, 'utf8')
    expect(text).toBe(`# mine
assets:
  a: { kind: csv_table } # kept

  mine/vp:
    url: ${siteUrl}/vp.pb
    kind: gtfs_rt_protobuf
    strategy: timestamp
    every: 15s
    auth:
      header:
        name: X-Api-Key
        value: env:SITE_TOKEN

pipelines:
  mine-vp:
    folder: passthrough-realtime
    pool: default
    slots:
      feed: mine/vp
`)
    const events = (await eventsOf(world.doors)).slice(-2)
    expect(events).toMatchObject([
      { type: 'AssetDefined', asset: 'mine/vp' },
      {
        type: 'PipelineDefined',
        pipeline: 'mine-vp',
        definition: { folder: 'passthrough-realtime' },
      },
    ])
    expect(text + stdout + stderr + JSON.stringify(events)).not.toContain('s3cret')

    const again = await headway(['add', `${siteUrl}/vp.pb`, ...given], { env: { SITE_TOKEN: 'x' } })
    expect(again).toMatchObject({ code: 4, stderr: expect.stringContaining('has asset mine/vp') })
  })

  test('a schedule without a file and without a server', async () => {
    answer = () => ({ body: zip })
    const { code, stdout, stderr } = await headway(['add', `${siteUrl}/gtfs/Big%20City.zip`], {
      env: { HEADWAY_NATS_URL: 'nats://127.0.0.1:9' },
    })
    expect([code, stderr]).toEqual([0, expect.stringContaining('npm start')])
    expect(stdout).toContain(
      'has asset 127.0.0.1/gtfs/Big_City and pipeline 127-0-0-1-gtfs-Big_City',
    )
    const text = await readFile(join(world.directory, 'headway.yaml'), 'utf8')
    expect(parseConfig(text, 'f').pipelines['127-0-0-1-gtfs-Big_City']!.slots).toEqual({
      schedule: '127.0.0.1/gtfs/Big_City',
    })
  })

  test('what is no feed, not there or a secret leaves the file as it was', async () => {
    const file = await write('same.yaml', head)
    answer = (path) => ({ status: path === '/gone' ? 404 : 200, body: '<html>' })
    const add = (path: string) => headway(['add', `${siteUrl}${path}`, '--file', file])
    expect(await add('/page')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('neither a GTFS schedule nor a realtime feed: 6 B'),
    })
    expect(await add('/gone')).toMatchObject({ code: 3 })
    const secret = await add('/x?api_key=hunter2')
    expect(secret.code).toBe(2)
    expect(secret.stderr).not.toContain('hunter2')
    expect(await readFile(file, 'utf8')).toBe(head)
  })
})

describe('the API from a command', () => {
  test('whoever reads may go away', async () => {
    const child = spawn(process.execPath, [main, '--help'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    child.stdout.destroy()
    expect(await once(child, 'exit')).toEqual([0, null])
  })

  test('tables for people, the answer itself for programs', async () => {
    const items = [
      { key: 'a/b', kind: 'csv_table', latestOrdinal: 7, latestSizeBytes: 2_100, trouble: null },
    ]
    answer = () => ({ body: JSON.stringify({ items }) })
    expect((await headway(['assets'])).stdout).toBe(
      'ASSET  KIND       VERSION    SIZE  AGE  STATE\na/b    csv_table        7  2.1 kB    -  well\n',
    )
    expect(JSON.parse((await headway(['assets', '--json'])).stdout)).toEqual({ items })
    await headway(['runs', '--status', 'failed', '--pipeline', 'p'])
    await headway(['fetch', 'a/b'])
    await headway(['window', 'p', '--flush'])
    expect(asked.slice(2)).toEqual([
      'GET /api/v1/runs?pipeline=p&status=failed&limit=20 ',
      'POST /api/v1/assets/a%2Fb/fetch ',
      'POST /api/v1/pipelines/p/window/flush ',
    ])
  })

  test('trigger --wait ends as the run does', async () => {
    let polls = 0
    answer = (_, method) => {
      if (method === 'POST') return { status: 202, body: '{"run":"R1"}' }
      if (polls++ === 0) return { status: 404, body: '{}' }
      const status = polls < 3 ? 'running' : 'failed'
      return { body: JSON.stringify({ run: 'R1', status, error: { type: 'bad', message: 'no' } }) }
    }
    const { code, stdout, stderr } = await headway(['trigger', 'p', '--wait'])
    expect([code, polls]).toEqual([1, 3])
    expect(stdout).toMatch(/run R1 {2}failed[^]*error +bad: no/)
    expect(stderr).toContain('run R1 ended as failed')
    polls = -100
    const late = await headway(['trigger', 'p', '--wait', '--timeout', '300ms'])
    expect(late).toMatchObject({ code: 6, stderr: expect.stringContaining('has not ended') })
  })

  test('how it ends tells why', async () => {
    const problem = { title: 'Conflict', detail: 'no release is active' }
    answer = () => ({ status: 409, body: JSON.stringify(problem) })
    expect(await headway(['trigger', 'p'])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('no release is active (409 from'),
    })
    answer = () => ({ status: 404, body: '' })
    expect((await headway(['run', 'x'])).code).toBe(3)
    const gone = await headway(['status'], { env: { HEADWAY_API_URL: 'http://127.0.0.1:9' } })
    expect(gone).toMatchObject({ code: 5, stderr: expect.stringContaining('npm start') })
    expect(await headway(['statsu'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean status?'),
    })
    expect((await headway(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
