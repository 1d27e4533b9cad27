/** The command line against the real API: what people decide, in the same words. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startApi } from '@headway/api/room.ts'
import { ada, ApiWorld, codeA, codeB, keys } from './api-world.ts'
import { until } from './harness.ts'

const main = fileURLToPath(new URL('../deploy/headway.mjs', import.meta.url))
const at = '2026-11-21T00:00:00.000Z'
/** Each command is a process of its own. */
vi.setConfig({ testTimeout: 90_000 })
let api: ApiWorld
let url: string
beforeAll(async () => {
  api = await ApiWorld.open()
  const { world } = api
  const pgUrl = world.postgres!.url
  const where = { host: '127.0.0.1', port: 0, resumeKeys: keys }
  const room = await startApi(world.doors, { pgUrl, ...where, signal: world.signal })
  url = room.url
  world.run(room.ended)
  await api.pipeline('p')
  await api.release('p', codeB)
})
afterAll(() => api.close())

type Ended = { code: number | null; stdout: string; stderr: string }
/** Runs `headway …` when the read models know everything. */
const headway = async (...args: string[]): Promise<Ended> => {
  await api.settled()
  const env = { ...process.env, NO_COLOR: '1', HEADWAY_API_URL: url }
  const child = spawn(process.execPath, [main, ...args], {
    env,
  })
  const ended: Ended = { code: null, stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (ended.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (ended.stderr += text))
  return new Promise((resolve) => child.on('close', (code) => resolve({ ...ended, code })))
}

describe('wishes', () => {
  test('are told with who and why, and again say that it is so', async () => {
    const run = await api.run('p')
    const reason = ['--reason', 'storm']
    const paused = await headway('pause', 'p', ...reason)
    expect(paused).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(/^accepted: p /),
    })
    expect(await headway('pause', 'p')).toMatchObject({ stderr: 'unchanged: it is so already\n' })
    expect((await api.told('PipelinePaused')).map(({ actor }) => actor.reason)).toEqual(['storm'])
    expect((await headway('resume', 'p')).code).toBe(0)
    expect((await headway('step', 'disable', 'p', 'first')).code).toBe(0)
    expect((await headway('step', 'enable', 'p', 'first')).code).toBe(0)
    const wrong = await headway('step', 'disable', 'p', 'nope')
    expect(wrong).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('it has first, second'),
    })
    const cancelled = await headway('cancel', run, '--json')
    expect(JSON.parse(cancelled.stdout)).toMatchObject({ id: run, status: 'accepted' })
    await api.ended('RunCancelled', 'p', run, { attempt: 0 })
    const done = await api.run('p')
    await api.ended('RunCompleted', 'p', done)
    expect((await headway('cancel', done)).code).toBe(4)
    expect((await headway('cancel', 'nope')).code).toBe(3)
  })

  test('about workers and releases stand in groups', async () => {
    await api.worker('w1', { p: codeA })
    expect((await headway('worker', 'drain', 'w1')).stderr).toContain('takes nothing new')
    expect((await headway('workers')).stdout).toMatch(/w1 +default +draining/)
    expect((await headway('worker', 'resume', 'w1')).code).toBe(0)
    expect((await headway('release', 'activate', 'p', codeB)).code).toBe(0)
    const back = await headway('release', 'rollback', 'p', '--reason', 'worse', '--key', 'k')
    expect(back.stderr).toBe(`accepted: new runs of p use ${codeA} again\n`)
    expect(
      (await headway('release', 'rollback', 'p', '--reason', 'worse', '--key', 'k')).stderr,
    ).toBe(back.stderr)
    expect((await headway('release', 'list', 'p')).stdout).toMatch(new RegExp(`${codeA} +active`))
    const open = await api.run('p', { pipelineVersion: codeB })
    expect((await headway('release', 'retire', 'p', codeB)).code).toBe(4)
    const shown = await headway('release', 'show', 'p', codeB)
    expect(shown.stdout).toContain(open)
    expect(shown.stdout).toMatch(/^release p b{12} {2}draining\n/)
    await api.ended('RunCompleted', 'p', open)
    expect((await headway('release', 'retire', 'p', codeB)).code).toBe(0)
    const typo = await headway('release', 'retir', 'p')
    expect(typo).toMatchObject({ code: 2, stderr: expect.stringContaining('Did you mean retire?') })
    expect((await headway('release', 'show', 'p')).code).toBe(2)
  })
})

describe('dead letters', () => {
  test('are listed, shown, planned, and done again with progress', async () => {
    const one = await api.dead('p', { type: 'SchemaError', message: 'row 7' })
    const two = await api.dead('p', { type: 'SchemaError', message: 'row 8' })
    const listed = await headway('dead-letters', '--type', 'SchemaError')
    expect(listed.stdout).toMatch(new RegExp(`${two}[^\n]*row 8\n${one}[^\n]*row 7\n$`))
    expect((await headway('dead-letters', one)).stdout).toMatch(
      /0\.1 {2}dead_lettered {2}SchemaError: row 7/,
    )
    const filter = ['--pipeline', 'p', '--status', 'dead_lettered,failed', '--since', '1h']
    const plan = await headway('redrive', ...filter, '--dry-run', '--cap', '1')
    expect(plan).toMatchObject({ code: 0, stderr: '1 of 2 runs, more than --cap\n' })
    expect(plan.stdout).toContain('SchemaError: row 7')
    expect(await api.told('RedriveRequested')).toEqual([])

    const limits = ['--per-minute', '60', '--stop-after', '1', '--version', codeA, '--start-over']
    const waiting = headway('redrive', ...filter, ...limits, '--wait', '--timeout', '20s')
    const asked = await until('the wish', async () => (await api.told('RedriveRequested'))[0])
    expect(asked).toMatchObject({ runs: [one, two], perMinute: 60, failuresMax: 1 })
    expect(asked).toMatchObject({ pipelineVersion: codeA, startOver: true })
    const { redrive } = asked
    const head = { v: 1 as const, at, pipeline: 'p', redrive }
    const again = {
      ...head,
      run: one,
      epoch: 1,
      pipelineVersion: codeA,
      startOver: true,
      actor: ada,
    }
    await api.tell('pipeline', 'p', { ...again, type: 'RunRedriven' })
    await api.ended('RunDeadLettered', 'p', one, { epoch: 1 })
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    const counts = { redriven: 1, passedOver: 0, failed: 1 }
    await api.tell('pipeline', 'p', {
      type: 'RedriveEnded',
      ...head,
      outcome: 'stopped',
      ...counts,
    })
    const { code, stderr } = await waiting
    expect([code, stderr]).toEqual([1, expect.stringContaining('stopped: 1 runs failed again')])
    expect(stderr).toContain('p  1 of 2 redriven, 0 passed over, 1 failed again')
  })

  test('are never all done again by mistake', async () => {
    const before = (await api.told('RedriveRequested')).length
    const bare = await headway('redrive')
    expect(bare).toMatchObject({ code: 2, stderr: expect.stringContaining('--all --dry-run') })
    expect((await headway('redrive', '--all', '--cap', 'many')).code).toBe(2)
    expect((await headway('redrive', 'x', '--dry-run')).code).toBe(2)
    expect(await api.told('RedriveRequested')).toHaveLength(before)
    const run = await api.dead('p')
    const named = await headway('redrive', run, '--json')
    expect(JSON.parse(named.stdout)).toMatchObject([{ id: run, status: 'accepted' }])
    expect((await api.told('RedriveRequested')).at(-1)).toMatchObject({ runs: [run] })
  })
})

describe('why', () => {
  test('answers for runs, pipelines and assets', async () => {
    const run = await api.run('p')
    const told = await headway('why', run)
    expect(told).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Run \S+ of p: /) })
    expect(told.stdout).toMatch(/\n {2}- changed: nothing new {2}\S+Z {2}#\d+\n/)
    expect((await headway('why', 'p')).stdout).toContain('p does not run: an input is missing.')
    expect((await headway('why', 'in/p')).stdout).toMatch(/^in\/p: it is known[^\n]*\n[^]*next: /)
    expect(JSON.parse((await headway('why', 'p', '--json')).stdout)).toHaveProperty('because')
    expect((await headway('why', 'nothing')).code).toBe(3)
    expect((await headway('why', 'no/thing')).code).toBe(3)
  })
})

describe('questions and canaries', () => {
  test('are listed and answered', async () => {
    const { run, interaction } = await api.asking('p', { assignee: 'ada', correlation: 'job' })
    expect((await headway('interactions', '--assignee', 'ada')).stdout).toContain(interaction)
    expect((await headway('interactions', '--due-before', '1s')).stdout).not.toContain(interaction)
    expect((await headway('answer', interaction)).code).toBe(2)
    expect((await headway('answer', interaction, '--json', 'yes')).code).toBe(2)
    const misfit = await headway('answer', interaction, '--json', '{}')
    expect(misfit).toMatchObject({ code: 1, stderr: expect.stringContaining('does not fit') })
    const done = await headway('answer', interaction, '--json', '{"ok": true}', '--reason', 'fine')
    expect(done).toEqual({ code: 0, stdout: 'completed\n', stderr: `run ${run} goes on\n` })
    const other = await headway('answer', 'job', '--pipeline', 'p', '--json', '{"ok": false}')
    expect(other.code).toBe(4)
    const early = await headway('answer', 'later', '--pipeline', 'p', '--json', '{"ok": true}')
    expect(early).toMatchObject({ code: 0, stdout: 'held\n' })
    const guarded = await api.asking('p', { token: true })
    const bare = await headway('answer', guarded.interaction, '--json', '{"ok": true}')
    expect(bare).toMatchObject({ code: 7, stderr: expect.stringContaining('resume token') })
    const { resumeToken } = (await api.post(`/interactions/${guarded.interaction}/token`)).body
    const token = ['--token', resumeToken as string]
    expect(
      (await headway('answer', guarded.interaction, '--json', '{"ok": true}', ...token)).code,
    ).toBe(0)
  })

  test('start, show and stop', async () => {
    await api.release('p', 'cccccccccccc')
    const started = await headway('canary', 'start', 'p', 'cccccccccccc', '--runs', '2')
    expect(started.code).toBe(0)
    const id = started.stdout.trim()
    const shown = await headway('canary', 'show', id)
    expect(shown.stdout).toContain(`canary ${id} of p cccccccccccc  running: 0 of 2 completed`)
    expect((await headway('canary', 'stop', id)).code).toBe(0)
    expect((await headway('canary', 'start', 'p', codeA)).code).toBe(4)
    expect((await headway('canary', 'start', 'p', codeA, '--runs', 'x')).code).toBe(2)
  })

  test('every command has an example', async () => {
    for (const words of [['answer'], ['release', 'activate'], ['redrive'], ['step', 'disable']])
      expect((await headway(...words, '--help')).stdout).toContain(
        `Examples:\n  headway ${words.join(' ')}`,
      )
  })
})
