import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useRunning } from './here.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'headway-here-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const running = {
  console: 'http://127.0.0.1:5400',
  nats: 'nats://127.0.0.1:5222',
  postgres: 'postgres://headway@127.0.0.1:5402/headway',
  agency: 'http://127.0.0.1:5410',
}
const told = async (env: NodeJS.ProcessEnv, pid: number): Promise<NodeJS.ProcessEnv> => {
  const file = join(directory, 'dev.json')
  await writeFile(file, JSON.stringify({ ...running, pid }))
  useRunning(env, file)
  return env
}

test('what runs here is found, whichever ports it took', async () => {
  expect(await told({}, process.pid)).toEqual({
    HEADWAY_API_URL: running.console,
    HEADWAY_NATS_URL: running.nats,
    HEADWAY_PG_URL: running.postgres,
    HEADWAY_AGENCY_URL: running.agency,
  })
})

test("somebody else's as well", async () => {
  expect(await told({}, 1)).toHaveProperty('HEADWAY_API_URL')
})

test('what the environment says counts more, and a context of the nats command', async () => {
  const env = { HEADWAY_API_URL: 'http://far', HEADWAY_NATS_CONTEXT: 'far', HEADWAY_PG_URL: 'far' }
  const all = { ...env, HEADWAY_AGENCY_URL: running.agency }
  expect(await told({ ...env }, process.pid)).toEqual(all)
})

test('what has ended, or was never started, is not', async () => {
  const { pid } = spawnSync(process.execPath, ['--version'])
  expect(await told({}, pid)).toEqual({})
  const env = {}
  useRunning(env, join(directory, 'nothing.json'))
  expect(env).toEqual({})
})
