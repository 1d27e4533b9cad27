/** A real ZooKeeper on a free port, when `install-servers.sh` brought one and there is a Java. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startChild, untilReady } from '@headway/deploy/child.ts'
import { openSession } from '@headway/worker/sinks/zookeeper-session.ts'
import { freePort } from './free-port.ts'

export type Server = {
  readonly address: string
  readonly pid: number
  readonly stop: () => Promise<void>
}

export const startZooKeeper = async (jars: string): Promise<Server> => {
  const folder = await mkdtemp(join(tmpdir(), 'headway-zookeeper-'))
  const port = await freePort()
  await mkdir(join(folder, 'data'))
  const settings = {
    tickTime: 500,
    dataDir: join(folder, 'data'),
    clientPort: port,
    clientPortAddress: '127.0.0.1',
    maxClientCnxns: 0,
    'admin.enableServer': false,
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
  await writeFile(join(folder, 'zoo.cfg'), lines.join('\n'))
  const child = await startChild({
    name: 'zookeeper',
    command: 'java',
    args: [
      '-Xmx128m',
      '-Dzookeeper.forceSync=no',
      '-cp',
      join(jars, '*'),
      'org.apache.zookeeper.server.quorum.QuorumPeerMain',
      join(folder, 'zoo.cfg'),
    ],
  })
  const address = `127.0.0.1:${port}`
  await untilReady(child, () => serves(address))
  return {
    address,
    pid: child.pid,
    stop: async () => {
      await child.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** It listens before it serves, and leaves who comes in between without an answer. */
const serves = async (address: string): Promise<true | undefined> => {
  try {
    const session = await openSession(address, { timeoutMs: 1_000 })
    session.close()
    return true
  } catch {
    return undefined
  }
}
