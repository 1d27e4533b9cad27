import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { startChild, untilReady } from './child.ts'
import { commandOf } from './ports.ts'

const node = process.execPath
const childModule = fileURLToPath(new URL('./child.ts', import.meta.url))

function startScript(script: string) {
  return startChild({ name: 'script', command: node, args: ['-e', script] })
}

/** A process that starts `script` as its child, tells the child's pid and waits. */
async function startParent(script: string, onInterrupt = '') {
  const options = { name: 'script', command: node, args: ['-e', script] }
  const code = `import(${JSON.stringify(childModule)}).then(async ({ startChild }) => {
    const onLine = (line) => { if (line === 'up') console.log(child.pid) }
    ${onInterrupt}
    const child = await startChild({ ...${JSON.stringify(options)}, onLine })
  })`
  const parent = spawn(node, ['--import', 'tsx', '-e', code], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const pid = await new Promise<number>((resolve) => {
    parent.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk)))
  })
  return { parent, pid }
}

/** Less than the grace after which it is killed anyway. */
const whenGone = (pid: number) =>
  vi.waitFor(() => expect(commandOf(pid)).toBeUndefined(), { timeout: 9_000, interval: 10 })

test('a child tells its own pid, its lines and its exit code', async () => {
  const lines: string[] = []
  const child = await startChild({
    name: 'script',
    command: node,
    args: ['-e', 'console.log(process.pid); console.error("so"); process.exitCode = 7'],
    onLine: (line) => lines.push(line),
  })
  expect(await child.exited).toBe(7)
  expect(lines.toSorted()).toEqual([String(child.pid), 'so'])
  await child.stop()
})

test('the environment of a child is exactly what was given', async () => {
  const lines: string[] = []
  const child = await startChild({
    name: 'env',
    command: '/usr/bin/env',
    env: { ONLY: 'this' },
    onLine: (line) => lines.push(line),
  })
  await child.exited
  expect(lines).toContain('ONLY=this')
  // A shell adds PWD and the like; nothing of ours passes.
  expect(lines.join('\n')).not.toMatch(/^(HOME|VITEST)=/m)
})

test('a command that does not exist ends with 127 and says so', async () => {
  const child = await startChild({ name: 'nothing', command: '/no/such/program' })
  expect(await child.exited).toBe(127)
  expect(child.lastLines()).toContain('/no/such/program')
})

test('a folder that does not exist refuses the start', async () => {
  const start = startChild({ name: 'lost', command: node, cwd: '/no/such/folder' })
  await expect(start).rejects.toThrow(/lost cannot be started: .*ENOENT/)
})

/** Starts a script and waits until it says that it is up. */
async function startUp(script: string, graceMs?: number) {
  const lines: string[] = []
  const child = await startChild({
    name: 'script',
    command: node,
    args: ['-e', `${script}; console.log('up'); setInterval(() => {}, 9e5)`],
    onLine: (line) => lines.push(line),
    ...(graceMs === undefined ? {} : { graceMs }),
  })
  await vi.waitFor(() => expect(lines).toEqual(['up']), { timeout: 10_000, interval: 10 })
  return child
}

test('stop waits for an orderly end', async () => {
  const child = await startUp(`process.on('SIGTERM', () => setTimeout(() => process.exit(3), 100))`)
  await child.stop()
  expect(await child.exited).toBe(3)
})

test('a child that ignores the stop signal is killed after its grace', async () => {
  const child = await startUp(`process.on('SIGTERM', () => {})`, 200)
  await child.stop()
  expect(await child.exited).toBe(128 + 9)
})

test('a child that ends before it is ready becomes an error with its last lines', async () => {
  const child = await startScript(`console.log('the reason'); process.exit(2)`)
  const ready = untilReady(child, async () => undefined)
  await expect(ready).rejects.toThrow(/script stopped at start \(exit code 2\)\nthe reason/)
})

test('a child that is never ready is stopped and becomes an error', async () => {
  const child = await startScript(`setInterval(() => {}, 9e5)`)
  const ready = untilReady(child, async () => undefined, 100)
  await expect(ready).rejects.toThrow(/script was not ready after 100 ms/)
  expect(await child.exited).toBe(128 + 15)
})

test('a child ends in order when its parent is killed, and may log until the end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'headway-'))
  const proof = join(folder, 'proof')
  const script = `let line = 0
  process.on('SIGTERM', () => setInterval(() => {
    console.log('still here', ++line)
    if (line < 20) return
    require('node:fs').writeFileSync(${JSON.stringify(proof)}, 'orderly')
    process.exit()
  }, 5))
  console.log('up')
  setInterval(() => {}, 9e5)`
  const { parent, pid } = await startParent(script)
  expect(commandOf(pid)).toContain('orderly')
  parent.kill('SIGKILL')
  await whenGone(pid)
  expect(existsSync(proof) && readFileSync(proof, 'utf8')).toBe('orderly')
  rmSync(folder, { recursive: true })
})

test('Ctrl-C reaches the parent and not the child', async () => {
  const script = `process.on('SIGINT', () => process.exit(1)); console.log('up'); setInterval(() => {}, 9e5)`
  const onInterrupt = `process.on('SIGINT', () => console.log('interrupted'))`
  const { parent, pid } = await startParent(script, onInterrupt)
  const heard = new Promise<string>((resolve) => {
    parent.stdout.once('data', (chunk: Buffer) => resolve(String(chunk).trim()))
  })
  process.kill(-(parent.pid as number), 'SIGINT')
  expect(await heard).toBe('interrupted')
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(commandOf(pid)).toBeDefined()
  parent.kill('SIGKILL')
  await whenGone(pid)
})
