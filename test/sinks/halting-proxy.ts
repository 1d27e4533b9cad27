/**
 * Stands in front of a server and can stop in the middle of what a client says: a request is then half
 * sent for as long as a test likes, and whoever sent it can be killed there.
 */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export type HaltingProxy = {
  readonly address: string
  /** How many bytes clients have said since this was last asked. */
  count(): number
  /** Lets that many bytes more through to the server and then nothing, either way. */
  haltAfter(bytes: number): void
  isHalted(): boolean
  /** Those who were halted are cut off; whoever comes next is let through. */
  release(): void
  stop(): Promise<void>
}

export const startHaltingProxy = async (target: string): Promise<HaltingProxy> => {
  const [host, port] = target.split(':') as [string, string]
  const sockets = new Set<Socket>()
  let said = 0
  let left = Infinity

  const join = (one: Socket, other: Socket, pass: (chunk: Buffer) => Buffer) => {
    sockets.add(one)
    one.on('data', (chunk: Buffer) => {
      const passed = pass(chunk)
      if (passed.length > 0) other.write(passed)
    })
    one.on('error', () => {})
    one.on('close', () => {
      sockets.delete(one)
      other.destroy()
    })
  }
  const server = createServer((client) => {
    const upstream = connect(Number(port), host)
    join(client, upstream, (chunk) => {
      said += chunk.length
      const passed = chunk.subarray(0, left)
      left -= passed.length
      return passed
    })
    join(upstream, client, (chunk) => (left > 0 ? chunk : chunk.subarray(0, 0)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    count: () => {
      const counted = said
      said = 0
      return counted
    },
    haltAfter: (bytes) => void (left = bytes),
    isHalted: () => left === 0,
    release: () => {
      left = Infinity
      for (const socket of sockets) socket.destroy()
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
