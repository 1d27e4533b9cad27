#!/usr/bin/env node
/**
 * The door for `npm start`, `npm test` and `npm run headway -- COMMAND`. It must work in a fresh
 * clone, so it is plain JavaScript without dependencies, and old Node versions must be able to
 * parse it (14 can) in order to be told that they are too old.
 *
 *   headway.mjs with-install CMD ARGS   installs what is missing, then runs CMD
 *   headway.mjs start | rebuild | ...   installs what is missing, then runs that room
 *   headway.mjs ANYTHING ELSE           installs what is missing, then runs the CLI
 *
 * "What is missing" is decided by one stamp in node_modules: the digest of the lockfile, and when the
 * file with it was written, so that it is not even read again; asking a package manager costs a second.
 * What is asked for runs in this process, so that signals and exit codes need no forwarding, and as a
 * bundle (streams/bundle.mjs). What is seldom needed is loaded when it is.
 */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const stampFile = join(root, 'node_modules', '.headway-stamp')
const nodeMin = [20, 19]

// pnpm skips optional packages whose engines exclude the running Node. The package with the
// nats-server says "Node 22" and its binary does not care, so pnpm is told a Node of its own.
const pnpm = ['--yes', '--prefer-offline', 'pnpm@10.34.9']
const install = [...pnpm, 'install', '--frozen-lockfile', '--config.node-version=22.18.0']

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > nodeMin[0] || (major === nodeMin[0] && minor >= nodeMin[1])) return
  fail(
    `Headway needs Node ${nodeMin.join('.')} or newer; ${process.execPath} is ${process.version}\n` +
      '  https://nodejs.org/en/download\tor: nvm install 24',
  )
}

async function ensureInstalled() {
  const lockfile = join(root, 'pnpm-lock.yaml')
  const { mtimeMs, size } = statSync(lockfile)
  const [major] = process.versions.node.split('.')
  const place = `${process.platform}-${process.arch} node ${major}`
  const seen = `${size} bytes of ${mtimeMs}`
  const [known, knownSeen] = readStamp()
  if (known.endsWith(` ${place}`) && knownSeen === seen) return
  const { createHash } = await import('node:crypto')
  const digest = createHash('sha256').update(readFileSync(lockfile)).digest('hex')
  const stamp = `${digest} ${place}`
  if (known !== stamp) await installPackages()
  writeStamp(`${stamp}\n${seen}\n`)
}

async function installPackages() {
  const { spawnSync } = await import('node:child_process')
  process.stderr.write('installing packages ... ')
  const startedAt = Date.now()
  rmSync(stampFile, { force: true })
  // CI=1 keeps pnpm from asking whether it may replace a node_modules made by something else.
  const env = Object.assign({}, process.env, { CI: '1' })
  const result = spawnSync('npx', install, { cwd: root, encoding: 'utf8', env })
  if (result.signal) process.exit(exitCode(null, result.signal))
  if (result.status !== 0) fail(whyNotInstalled(result))
  process.stderr.write(`done in ${((Date.now() - startedAt) / 1000).toFixed(1)} s\n`)
}

function readStamp() {
  try {
    return readFileSync(stampFile, 'utf8').split('\n')
  } catch {
    return ['']
  }
}

function writeStamp(text) {
  try {
    writeFileSync(stampFile, text)
  } catch (error) {
    if (!isReadOnly(error)) throw error
  }
}

/** Installed by somebody else for whoever may only read. */
function isReadOnly(error) {
  return ['EACCES', 'EROFS', 'EPERM'].includes(error.code)
}

function whyNotInstalled(result) {
  const command = `npx ${install.join(' ')}`
  if (result.error) return `failed: npx cannot be started (${result.error.message})`
  const output = `${result.stdout}${result.stderr}`.trim()
  const ran = `  ${command}\tis what was run`
  const offline = /.*(ENOTFOUND|EAI_AGAIN|ENETUNREACH|ECONNREFUSED|ETIMEDOUT|ECONNRESET).*/.exec(
    output,
  )
  if (!offline) return `failed\n${output.split('\n').slice(-15).join('\n')}\n${ran}`
  return [
    `failed: the npm registry cannot be reached (${offline[1]})`,
    '  npm config get registry\ttells which one; only the first start needs it',
    ran,
  ].join('\n')
}

const entries = {
  start: 'deploy/start.ts',
  worker: 'services/worker/main.ts',
  fetcher: 'services/fetcher/main.ts',
  debounce: 'services/debounce/main.ts',
  projector: 'services/projector/main.ts',
  rebuild: 'services/projector/main.ts',
  verify: 'services/projector/main.ts',
  api: 'services/api/main.ts',
}

async function run(command, word = '') {
  // `worker` alone is the room; `worker drain w1` is about one.
  const isAbout = command === 'worker' && word !== ''
  const entry = join(root, (!isAbout && entries[command]) || 'services/cli/main.ts')
  const { bundled } = await import('../streams/bundle.mjs')
  const made = await bundled(entry).catch((error) => {
    if (!isReadOnly(error)) throw error
    if (process.features.typescript) return entry
    const remedy = 'npm run headway -- --version'
    fail(`${error.message}\n  ${remedy}\tonce as its owner, or Node 24, which needs no bundle`)
  })
  await import(pathToFileURL(made).href)
}

async function runCommand([command, ...args]) {
  const { spawn } = await import('node:child_process')
  if (command === undefined) fail('with-install needs a command')
  const path = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}`
  const env = Object.assign({}, process.env, { PATH: path })
  let child
  // Before the command starts: a signal in between would end us and leave it behind.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // At a terminal Ctrl-C reaches the whole group; a second copy would mean "at once".
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  child = spawn(command, args, { stdio: 'inherit', env })
  child.once('error', (error) => fail(`${command} cannot be started: ${error.message}`))
  child.once('exit', (code, signal) => process.exit(exitCode(code, signal)))
}

function exitCode(code, signal) {
  return signal ? 128 + constants.signals[signal] : code
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

checkNode()
await ensureInstalled()
// What was compiled once is not compiled again (Node 22 and newer).
nodeModule.enableCompileCache?.()
if (process.argv[2] === 'with-install') await runCommand(process.argv.slice(3))
else await run(process.argv[2], process.argv[3])
