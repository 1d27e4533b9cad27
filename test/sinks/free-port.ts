import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Nobody listens there, and no server that takes any free port is given it. */
export const closedPort = 2

/** Below those that systems give to whoever takes any. */
const [portMin, portMax] = [12_000, 32_000]

/** A port for a server that cannot choose one itself; until it listens, nobody else is given it. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = randomInt(portMin, portMax)
    if (await isFree(port)) return port
  }
}

const isFree = (port: number): Promise<boolean> => {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
