import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync } from 'node:fs'
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const door = fileURLToPath(new URL('./headway.mjs', import.meta.url))

/** A clone with a lockfile, and an `npx` that only notes what it was asked to do. */
let clone: string
beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'headway-'))
  for (const folder of ['deploy', 'bin', 'node_modules/.bin']) {
    mkdirSync(join(clone, folder), { recursive: true })
  }
  copyFileSync(door, join(clone, 'deploy', 'headway.mjs'))
  writeFileSync(join(clone, 'pnpm-lock.yaml'), 'lockfileVersion: 9\n')
  fakeNpx('echo "$@" >> npx.log')
})

afterEach(() => rmSync(clone, { recursive: true }))

function fakeNpx(script: string) {
  writeFileSync(join(clone, 'bin', 'npx'), `#!/bin/sh\n${script}\n`)
  chmodSync(join(clone, 'bin', 'npx'), 0o755)
}

const env = () => ({ ...process.env, PATH: `${join(clone, 'bin')}:${process.env.PATH}` })

function headway(...args: string[]) {
  const options = { cwd: clone, encoding: 'utf8', env: env() } as const
  return spawnSync(process.execPath, ['deploy/headway.mjs', ...args], options)
}

const installs = () => readFileSync(join(clone, 'npx.log'), 'utf8').trim().split('\n')

test('packages are installed once, exactly as locked, and standard output stays clean', () => {
  const first = headway('with-install', 'echo', 'hello')
  expect([first.status, first.stdout]).toEqual([0, 'hello\n'])
  expect(first.stderr).toMatch(/^installing packages \.\.\. done in \d+\.\d s\n$/)
  const second = headway('with-install', 'echo', 'hello')
  expect([second.status, second.stdout, second.stderr]).toEqual([0, 'hello\n', ''])
  expect(installs()).toEqual([expect.stringMatching(/pnpm@10\S* install --frozen-lockfile/)])
})

test('another lockfile is installed again', () => {
  headway('with-install', 'true')
  writeFileSync(join(clone, 'pnpm-lock.yaml'), 'lockfileVersion: 9.1\n')
  headway('with-install', 'true')
  expect(installs()).toHaveLength(2)
})

test('a failed installation says why, runs nothing and is tried again', () => {
  fakeNpx('echo "  ERR_PNPM_OUTDATED_LOCKFILE  no" >&2; exit 1')
  const failed = headway('with-install', 'touch', 'ran')
  expect(failed.status).toBe(1)
  expect(failed.stderr).toMatch(
    /failed\n.*ERR_PNPM_OUTDATED_LOCKFILE[^]*npx .*pnpm@10.*what was run/,
  )
  expect(existsSync(join(clone, 'ran'))).toBe(false)
  fakeNpx('echo "$@" >> npx.log')
  expect(headway('with-install', 'true').status).toBe(0)
})

test('a machine without a network is told so', () => {
  fakeNpx('echo "npm error code EAI_AGAIN registry" >&2; exit 1')
  expect(headway('with-install', 'true').stderr).toMatch(/registry cannot be reached \(EAI_AGAIN\)/)
})

test('a command finds the installed programs and hands its exit code on', () => {
  writeFileSync(join(clone, 'node_modules/.bin/tool'), '#!/bin/sh\nexit 5\n')
  chmodSync(join(clone, 'node_modules/.bin/tool'), 0o755)
  expect(headway('with-install', 'tool').status).toBe(5)
  expect(headway('with-install', 'sh', '-c', 'kill -9 $$').status).toBe(128 + 9)
  const missing = headway('with-install', 'no-such-tool')
  expect([missing.status, missing.stderr]).toEqual([1, expect.stringMatching(/no-such-tool/)])
})

test('a command gets the signals that we get', async () => {
  headway('with-install', 'true')
  const script = `trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done`
  const args = ['deploy/headway.mjs', 'with-install', 'sh', '-c', script]
  const child = spawn(process.execPath, args, {
    cwd: clone,
    env: env(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  await new Promise((resolve) => child.stdout.once('data', resolve))
  child.kill('SIGTERM')
  expect(await ended).toBe(9)
})

test('everything else goes to the command line interface, in this process', () => {
  for (const top of ['schemas', 'streams', 'services/cli', 'deploy'])
    mkdirSync(join(clone, top), { recursive: true })
  const streams = new URL('../streams/', import.meta.url)
  cpSync(new URL('bundle.mjs', streams), join(clone, 'streams/bundle.mjs'))
  const esbuild = createRequire(new URL('package.json', streams)).resolve('esbuild/package.json')
  symlinkSync(dirname(esbuild), join(clone, 'node_modules/esbuild'))
  writeFileSync(join(clone, 'package.json'), '{"type":"module"}')
  const main = `const words: string[] = process.argv.slice(2)
console.log(process.pid, words.join(' '))
process.exitCode = 6`
  writeFileSync(join(clone, 'services/cli/main.ts'), main)
  headway('with-install', 'true')
  const { pid, status, stdout, stderr } = headway('runs', 'list', '--json')
  expect([status, stdout, stderr]).toEqual([6, `${pid} runs list --json\n`, ''])
})
