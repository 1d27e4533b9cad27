/** The command line against the real API: looking at what there is. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startApi } from '@headway/api/room.ts'
import { ApiWorld, codeA, keys } from './api-world.ts'
import { defineAsset } from './harness.ts'

const headway = fileURLToPath(new URL('../deploy/headway.mjs', import.meta.url))
const at = '2026-11-21T00:00:00.000Z'
/** Each command is a process of its own. */
vi.setConfig({ testTimeout: 90_000 })
let api: ApiWorld
let url: string
beforeAll(async () => {
  api = await ApiWorld.open()
  const { world } = api
  const where = { host: '127.0.0.1', port: 0, resumeKeys: keys }
  const room = await startApi(world.doors, {
    pgUrl: world.postgres!.url,
    ...where,
    signal: world.signal,
  })
  url = room.url
  world.run(room.ended)
  await api.pipeline('p')
  await api.release('p', codeA)
  await api.activate('p', codeA)
  await defineAsset(world.doors, 'mine/feed', { kind: 'opaque_bytes' })
  await api.version('in/a', 3)
  await api.settled()
})
afterAll(() => api.close())

const run = (...args: string[]) =>
  promisify(execFile)(process.execPath, [headway, ...args], {
    env: { ...process.env, HEADWAY_API_URL: url, NO_COLOR: '1' },
  })

test('pipelines and one of them, with its steps', async () => {
  expect((await run('pipelines')).stdout).toMatch(new RegExp(`^p +${codeA} `, 'm'))
  const { stdout } = await run('pipeline', 'p')
  expect(stdout).toMatch(/window +idle, 0 changes/)
  expect(stdout).toMatch(/step +first /)
  await expect(run('pipeline', 'nobody')).rejects.toMatchObject({ code: 3 })
})

test('one asset with its versions', async () => {
  const { stdout } = await run('asset', 'in/a')
  expect(stdout).toMatch(/^asset in\/a\n/)
  expect(stdout).toMatch(/^[0-9A-Z]{26} +3 /m)
  const { versions } = JSON.parse((await run('asset', 'in/a', '--json')).stdout)
  expect(versions).toHaveLength(1)
})

test('bytes go in from a file, and an empty or missing one is told', async () => {
  const file = join(api.world.directory, 'feed.bin')
  await writeFile(file, 'hello')
  const before = (await api.told('ContentPushed')).length
  // Nobody looks at them here.
  expect((await run('put', 'mine/feed', file)).stderr).toContain('mine/feed: kept')
  const pushed = (await api.told('ContentPushed')).slice(before)
  expect(pushed).toMatchObject([{ asset: 'mine/feed' }])
  await writeFile(file, '')
  await expect(run('put', 'mine/feed', file)).rejects.toMatchObject({ code: 2 })
  await expect(run('put', 'mine/feed', `${file}.gone`)).rejects.toMatchObject({ code: 3 })
})

test('who asked for what, and one entry of the log', async () => {
  const actor = { name: 'ada', reason: 'storm' }
  const told = await api.tell('pipeline', 'p', {
    type: 'PipelinePaused',
    v: 1,
    at,
    pipeline: 'p',
    actor,
  })
  const seq = 'seq' in told ? told.seq : 0
  await api.settled()
  const { stdout } = await run('audit', '--actor', 'ada')
  expect(stdout).toMatch(new RegExp(`ada +PipelinePaused +pipeline/p +storm +${seq}`))
  expect(JSON.parse((await run('event', `${seq}`)).stdout)).toMatchObject({
    seq,
    events: [{ type: 'PipelinePaused' }],
  })
})
