import { spawn, spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startApi, type RunningApi } from '@headway/api/room.ts'
import { syncCheck } from '@headway/cli/doctor/nats.ts'
import { runProjector } from '@headway/projector/room.ts'
import { openStore } from '@headway/projector/store.ts'
import { connectTo } from '@headway/streams/connect.ts'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startWorld, until, type World } from './harness.ts'

/** Tokens, doctor and completion, as processes against real servers and an API that asks who it is. */
const main = fileURLToPath(new URL('../deploy/headway.mjs', import.meta.url))
/** Each command is a process of its own. */
vi.setConfig({ testTimeout: 90_000 })
let world: World
let api: RunningApi
let closeStore: () => Promise<void>

type Ended = { code: number | null; stdout: string; stderr: string }
const headway = (args: readonly string[], more: Record<string, string> = {}): Promise<Ended> => {
  const env = {
    ...process.env,
    NO_COLOR: '1',
    HEADWAY_NATS_URL: world.nats.url,
    HEADWAY_PG_URL: world.postgres!.url,
    HEADWAY_API_URL: api.url,
    ...more,
  }
  const child = spawn(process.execPath, [main, ...args], {
    env,
    cwd: world.directory,
  })
  const ended: Ended = { code: null, stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (ended.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (ended.stderr += text))
  return new Promise((resolve) => child.on('close', (code) => resolve({ ...ended, code })))
}

beforeAll(async () => {
  world = await startWorld({ postgres: true })
  const pgUrl = world.postgres!.url
  const store = openStore(pgUrl)
  closeStore = () => store.close()
  world.run(runProjector(await world.open('projector'), store, { signal: world.signal }))
  process.env.HEADWAY_AUTH = 'required'
  const { signal } = world
  api = await startApi(world.doors, { pgUrl, host: '127.0.0.1', port: 0, signal })
  delete process.env.HEADWAY_AUTH
  await until('the read models', async () => (await store.position()) !== null)
})
afterAll(async () => {
  await world.stop()
  await api.ended
  await closeStore()
})

test('the first token comes over NATS, the others over the API, and a revoked one ends', async () => {
  const nobody = await headway(['runs'])
  expect(nobody).toMatchObject({ code: 7, stdout: '' })
  expect(nobody.stderr).toContain('HEADWAY_TOKEN')
  const first = await headway([
    'tokens',
    'create',
    '--holder',
    'root',
    '--role',
    'admin',
    '--direct',
  ])
  expect(first.code).toBe(0)
  const admin = first.stdout.trim()
  expect(admin).toMatch(/^hw_/)
  const env = { HEADWAY_TOKEN: admin }
  const made = await until('the API knows the first token', async () => {
    const words = ['tokens', 'create', '--holder', 'ci', '--role', 'viewer', '--json']
    const ended = await headway(words, env)
    return ended.code === 0 && ended
  })
  const { id, token } = JSON.parse(made.stdout) as { id: string; token: string }
  expect((await headway(['--token', token, 'runs', '--json'])).code).toBe(0)
  expect((await headway(['--token', token, 'pause', 'p'])).code).toBe(7)
  expect((await headway(['tokens', 'list'], env)).stdout).toMatch(
    new RegExp(`${id} +ci +viewer +good`),
  )
  expect((await headway(['tokens', 'revoke', id], env)).code).toBe(0)
  expect((await headway(['--token', token, 'runs'])).code).toBe(7)
  expect((await headway(['tokens', 'create', '--holder', 'x', '--role', 'king'], env)).code).toBe(2)
})

describe('doctor', () => {
  type Told = {
    ok: boolean
    checks: { name: string; status: string; found: string; fix?: string }[]
  }
  const look = async (more: Record<string, string> = {}) => {
    const { code, stdout } = await headway(['doctor', '--json'], more)
    const told = JSON.parse(stdout) as Told
    const of = (name: string) => told.checks.find((check) => check.name === name)
    return { code, told, of }
  }

  test('finds nothing when all is well, and says the fix for what is not', async () => {
    const well = await look()
    expect(well.told.checks.filter(({ status }) => status === 'failed')).toEqual([])
    expect(well.code).toBe(0)
    for (const name of [
      'stream EVENTS',
      'queues',
      'clock of NATS',
      'clock of Postgres',
      'projector',
    ])
      expect(well.of(name)).toMatchObject({ status: 'ok' })
    expect(well.of('API')).toMatchObject({ status: 'warning' })
    const { jsm, close } = await connectTo(world.nats.url, 'test')
    await jsm.streams.update('FAULTS', { max_bytes: 1_000_000 })
    await jsm.consumers.add('CONTROL', {
      durable_name: 'p__aaaaaaaaaaaa',
      ack_policy: 'explicit',
      ack_wait: 99_000_000_000,
      max_deliver: 3,
      filter_subject: 'headway.default.command.run.p.aaaaaaaaaaaa',
    })
    await close()
    const ill = await look()
    expect(ill.code).toBe(1)
    expect(ill.of('stream FAULTS')).toMatchObject({
      status: 'failed',
      found: expect.stringContaining('max_bytes') as string,
      fix: expect.stringContaining('restart') as string,
    })
    expect(ill.of('queues')!.found).toBe(
      'p__aaaaaaaaaaaa: ack_wait 99000000000, wanted 4000000000; max_deliver 3, wanted -1',
    )
  })

  test('names what is away', async () => {
    const nowhere = {
      HEADWAY_NATS_URL: 'nats://127.0.0.1:1',
      HEADWAY_PG_URL: 'postgres://127.0.0.1:1/x',
    }
    const away = await look(nowhere)
    expect(away.code).toBe(1)
    expect(away.of('NATS')).toMatchObject({ status: 'failed' })
    expect(away.of('Postgres')).toMatchObject({ status: 'failed' })
    for (const { status, fix } of away.told.checks) if (status !== 'ok') expect(fix).toBeTruthy()
  })

  test('asks the server that is kept here for its fsync policy', async () => {
    const told = await syncCheck({}, world.nats.url, join(world.directory, 'nats'))
    expect(told).toEqual({
      name: 'sync_interval',
      status: 'ok',
      found: 'always: acknowledged means on disk',
    })
  })

  test('does not claim to know the fsync policy of another one', async () => {
    const stores = join(world.directory, 'nats')
    const elsewhere = 'nats://127.0.0.1:1'
    expect(await syncCheck({}, elsewhere, stores)).toMatchObject({ status: 'unknown' })
    const closed = { HEADWAY_NATS_MONITOR_URL: 'http://127.0.0.1:1' }
    expect(await syncCheck(closed, world.nats.url, stores)).toMatchObject({ status: 'unknown' })
  })
})

test('completion knows every command, and bash takes it', async () => {
  const { stdout, code } = await headway(['completion', 'bash'])
  expect(code).toBe(0)
  const script = `${stdout}
COMP_WORDS=(headway to); COMP_CWORD=1; _headway; echo "\${COMPREPLY[*]}"
COMP_WORDS=(headway tokens re); COMP_CWORD=2; _headway; echo "\${COMPREPLY[*]}"
COMP_WORDS=(headway tokens create --h); COMP_CWORD=3; _headway; echo "\${COMPREPLY[*]}"
COMP_WORDS=(headway runs --st); COMP_CWORD=2; _headway; echo "\${COMPREPLY[*]}"`
  const ran = spawnSync('bash', ['-c', script], { encoding: 'utf8' })
  expect([ran.stdout.trim().split('\n'), ran.stderr]).toEqual([
    ['tokens', 'revoke', '--holder', '--status'],
    '',
  ])
  expect((await headway(['completion', 'fish'])).stdout).toContain('-a doctor')
  expect((await headway(['completion', 'tcsh'])).code).toBe(2)
})

test('a context of the nats command names the server, when it is asked for', async () => {
  const folder = join(world.directory, 'config', 'nats', 'context')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'mine.json'), JSON.stringify({ url: world.nats.url }))
  const env = { HEADWAY_NATS_URL: '', XDG_CONFIG_HOME: join(world.directory, 'config') }
  const words = ['tokens', 'create', '--holder', 'x', '--direct']
  expect((await headway(['--context', 'mine', ...words], env)).code).toBe(0)
  const missing = await headway(['--context', 'none', ...words], env)
  expect([missing.code, missing.stderr]).toEqual([
    3,
    expect.stringContaining('no nats context none'),
  ])
})
