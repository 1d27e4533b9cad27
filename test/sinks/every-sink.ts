/**
 * Every type of sink with a server for it and a place of its own there, for tests that are about all of
 * them, in the layout that is written in most pieces. The servers are those of the conformance tests.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startNats } from '@headway/deploy/nats-server.ts'
import { startPostgres } from '@headway/deploy/postgres.ts'
import { startFerretDb } from './ferretdb-server.ts'
import { startHttpService } from './http-service.ts'
import { installed, onPath } from './installed.ts'
import { startKubernetes } from './kubernetes-server.ts'
import { startRedis } from './redis-server.ts'
import { credentials, startS3 } from './s3-server.ts'
import { startSsh } from './ssh-server.ts'
import { startVercel, token as vercelToken } from './vercel-server.ts'
import { startZooKeeper } from './zookeeper-server.ts'

export type Place = {
  /** `host:port` of the server, or the folder that is written to. */
  readonly at: { readonly address: string } | { readonly folder: string }
  /** Options for a sink whose server is reached at this address; secrets in clear. */
  readonly options: (address: string) => object
  readonly stop: () => Promise<unknown>
}
export type SetUp = {
  readonly name: string
  readonly type: string
  readonly start: () => Promise<Place>
}

const addressOf = (url: string): string => new URL(url).host

const folderFor = async (name: string) => {
  const folder = await mkdtemp(join(tmpdir(), `headway-${name}-`))
  // Postgres runs as somebody else when we are root, and must be able to get there.
  await chmod(folder, 0o755)
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

const served = async (
  url: string,
  options: (address: string) => object,
  stop: () => Promise<unknown> | void,
): Promise<Place> => ({ at: { address: addressOf(url) }, options, stop: async () => stop() })

const natsKv = async (): Promise<Place> => {
  const { folder, remove } = await folderFor('kv')
  const server = await startNats({ dataDir: folder, port: -1 })
  const options = (address: string) => ({ url: `nats://${address}`, bucket: 'shop' })
  return served(server.url, options, async () => {
    await server.stop()
    await remove()
  })
}

const postgres = async (): Promise<Place> => {
  const { folder, remove } = await folderFor('table')
  const server = await startPostgres({ dataDir: join(folder, 'pg') })
  const options = (address: string) => ({
    url: server.url.replace(addressOf(server.url), address),
    environment: '{environment}',
  })
  return served(server.url, options, async () => {
    await server.stop()
    await remove()
  })
}

const s3 = async (): Promise<Place> => {
  const server = await startS3('shop')
  const options = (address: string) => ({
    ...credentials,
    bucket: 'shop',
    key: 'config/',
    layout: 'object_per_key',
    endpoint: `http://${address}`,
  })
  return served(server.endpoint, options, server.stop)
}

const configmap = async (): Promise<Place> => {
  const { access, stop } = await startKubernetes()
  const options = (address: string) => ({
    ...access,
    layout: 'file',
    immutable: true,
    server: `http://${address}`,
    namespace: 'default',
    name: 'shop',
  })
  return served(access.server, options, stop)
}

const localFile = async (): Promise<Place> => {
  const { folder, remove } = await folderFor('file')
  const options = () => ({ path: join(folder, 'shop.env'), format: 'env' })
  return { at: { folder }, options, stop: remove }
}

const remoteFile = (program: string) => async (): Promise<Place> => {
  const { folder, remove } = await folderFor('sftp')
  const server = await startSsh(program)
  const { host, port } = server.sftp
  const options = (address: string) => {
    const [, port] = address.split(':')
    const sftp = { ...server.sftp, port: Number(port) }
    return { path: join(folder, 'shop.yaml'), format: 'yaml', sftp }
  }
  return served(`ssh://${host}:${port}`, options, async () => {
    await server.stop()
    await remove()
  })
}

const http = async (): Promise<Place> => {
  const bearerToken = 'right-token'
  const service = await startHttpService(bearerToken)
  const options = (address: string) => ({
    layout: 'keys',
    bearerToken,
    url: `http://${address}/keys/shop/{key}`,
    readUrl: `http://${address}/all/shop`,
  })
  return served(service.url, options, () => service.stop())
}

const redis = (program: string) => async (): Promise<Place> => {
  const password = 'right-password'
  const server = await startRedis(program, [], password)
  const options = (address: string) => ({
    structure: 'string',
    key: 'shop:',
    servers: [address],
    password,
  })
  return served(`redis://${server.address}`, options, server.stop)
}

const mongodb = (program: string) => async (): Promise<Place> => {
  const server = await startFerretDb(program)
  const options = (address: string) => ({
    url: server.url.replace(server.address, address),
    database: 'headway',
    collection: 'shop',
  })
  return served(`mongodb://${server.address}`, options, server.stop)
}

const zookeeper = (jars: string) => async (): Promise<Place> => {
  const server = await startZooKeeper(jars)
  const options = (address: string) => ({ servers: address, path: '/config/shop' })
  return served(`zk://${server.address}`, options, server.stop)
}

const helm = async (): Promise<Place> => {
  const { folder, remove } = await folderFor('helm')
  const options = () => ({ file: join(folder, 'values.yaml'), at: 'config' })
  return { at: { folder }, options, stop: remove }
}

const vercel = async (): Promise<Place> => {
  const server = await startVercel()
  const options = (address: string) => ({
    project: 'shop',
    token: vercelToken,
    url: `http://${address}`,
  })
  return served(server.url, options, server.stop)
}

/** Those whose server is on this machine; of the others a skipped test tells. */
export const everySink = (): readonly SetUp[] => {
  const redisProgram = onPath('redis-server', 'redis-server')
  const sshd = onPath('sshd', 'openssh-server')
  const ferretdb = installed('ferretdb')
  const zooKeeperJars = installed('zookeeper')
  const on = <P>(program: P | null, setUps: (program: P) => readonly SetUp[]) =>
    program === null ? [] : setUps(program)
  return [
    { name: 'nats_kv', type: 'nats_kv', start: natsKv },
    { name: 'postgres', type: 'postgres', start: postgres },
    ...on(redisProgram, (program) => [{ name: 'redis', type: 'redis', start: redis(program) }]),
    { name: 's3', type: 's3', start: s3 },
    { name: 'configmap', type: 'configmap', start: configmap },
    { name: 'file', type: 'file', start: localFile },
    ...on(sshd, (program) => [{ name: 'sftp', type: 'file', start: remoteFile(program) }]),
    { name: 'http', type: 'http', start: http },
    ...on(ferretdb, (program) => [{ name: 'mongodb', type: 'mongodb', start: mongodb(program) }]),
    ...on(zooKeeperJars, (jars) => [
      { name: 'zookeeper', type: 'zookeeper', start: zookeeper(jars) },
    ]),
    { name: 'helm', type: 'helm', start: helm },
    { name: 'vercel', type: 'vercel', start: vercel },
  ]
}
