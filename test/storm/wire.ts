/**
 * A room's way to the NATS server, which can be cut (both ends hear it), kept cut (nobody answers the
 * door), or held (nothing moves and nobody hears a word: a half-open connection).
 */
import { createConnection, createServer, type Socket } from 'node:net'

export type Wire = {
  readonly port: number
  /** Ends every connection and lets none in until the returned function is called. */
  cut(): () => void
  /** Stops the bytes of every connection there is until the returned function is called. */
  hold(): () => void
  close(): Promise<void>
}

export const layWire = async (targetPort: number): Promise<Wire> => {
  /** Both directions of every connection. */
  const ways = new Set<{ readonly from: Socket; readonly to: Socket }>()
  let cuts = 0
  const carry = (from: Socket, to: Socket) => {
    const way = { from, to }
    ways.add(way)
    from.setNoDelay(true)
    from.on('error', () => to.destroy())
    from.on('close', () => {
      ways.delete(way)
      to.destroy()
    })
    from.pipe(to)
  }
  const server = createServer((near) => {
    if (cuts > 0) {
      near.on('error', () => {})
      near.resetAndDestroy()
      return
    }
    const far = createConnection({ host: '127.0.0.1', port: targetPort })
    carry(near, far)
    carry(far, near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    cut: () => {
      cuts++
      for (const { from } of ways) from.resetAndDestroy()
      return () => void cuts--
    },
    hold: () => {
      const held = [...ways]
      for (const { from } of held) from.unpipe().pause()
      return () => {
        for (const { from, to } of held) if (!from.destroyed && !to.destroyed) from.pipe(to)
      }
    },
    close: async () => {
      for (const { from } of ways) from.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
