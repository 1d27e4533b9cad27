import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { untilReleased } from './holder.ts'
import { assertPortsFree, commandOf, freePort, portHolder, portsFrom } from './ports.ts'

const started: ChildProcess[] = []
const folders: string[] = []
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'headway-'))
  folders.push(folder)
  return folder
}

/** Another program, which listens on a port that it takes itself: one found before may be gone. */
async function startStranger(...args: string[]): Promise<{ pid: number; port: number }> {
  const tell = 'function () { console.log(this.address().port) }'
  const code = `require('net').createServer().listen(0, '127.0.0.1', ${tell})`
  const child = spawn(process.execPath, ['-e', code, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  started.push(child)
  const port = await new Promise<number>((resolve) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk)))
  })
  return { pid: child.pid as number, port }
}

test('a port base moves the whole set', () => {
  expect(portsFrom(undefined)).toEqual({ api: 4400, nats: 4222, postgres: 4402, agency: 4410 })
  expect(portsFrom('4500')).toEqual({ api: 4500, nats: 4501, postgres: 4502, agency: 4510 })
  expect(() => portsFrom('lots')).toThrow(/lots is not a number/)
  expect(() => portsFrom(65_530)).toThrow(/65530/)
})

test('free ports are no error', async () => {
  await assertPortsFree({ api: await freePort() })
})

test('taken ports are named together, with their holders and the way out', async () => {
  const strangers = [await startStranger(), await startStranger()] as const
  const pids = strangers.map(({ pid }) => pid)
  const [api, nats] = [strangers[0].port, strangers[1].port]
  const error = await assertPortsFree({ api, nats }).catch((caught: Error) => caught)
  const text = (error as Error).message
  expect(text).toContain(`port ${api} (API and console) is taken by pid ${pids[0]}: `)
  expect(text).toContain(`port ${nats} (NATS) is taken by pid ${pids[1]}: `)
  expect(text).toContain('createServer().listen')
  expect(text).toMatch(/npm start -- --port-base \d+/)
  expect(text).toContain(`kill ${pids[0]}`)
})

test('a port whose holder is just ending is no error', async () => {
  const { pid, port } = await startStranger()
  // It was looked at once by then, and nearly all of our patience is left.
  setTimeout(() => process.kill(pid, 'SIGKILL'), 10)
  await assertPortsFree({ api: port })
})

test('who listens on one port does not hold another', async () => {
  const { pid, port } = await startStranger()
  expect(portHolder(port)?.pid).toBe(pid)
  expect(portHolder(await freePort())).toBeUndefined()
})

test('a directory whose server lives is refused', async () => {
  const folder = newFolder()
  const { pid } = await startStranger(folder)
  const pidFile = join(folder, 'pid')
  writeFileSync(pidFile, `${pid}\n`)
  const waiting = untilReleased('nats-server', pidFile, folder, 100)
  await expect(waiting).rejects.toThrow(`is in use by nats-server (pid ${pid})`)
})

test('a directory whose server is ending is waited for', async () => {
  const folder = newFolder()
  const { pid } = await startStranger(folder)
  writeFileSync(join(folder, 'pid'), `${pid}\n`)
  setTimeout(() => process.kill(pid, 'SIGKILL'), 100)
  await untilReleased('nats-server', join(folder, 'pid'), folder)
  expect(commandOf(pid)).toBeUndefined()
})

test('a pid that meanwhile belongs to somebody else holds nothing', async () => {
  const folder = newFolder()
  const pidFile = join(folder, 'pid')
  writeFileSync(pidFile, `${(await startStranger()).pid}\n`)
  await untilReleased('postgres', pidFile, folder, 100)
  expect(existsSync(pidFile)).toBe(false)
})
