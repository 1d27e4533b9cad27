/**
 * Asks one address with so many hands for some seconds, and prints how that went. On bare sockets: an
 * HTTP client costs more than most servers, and it shares the machine with what it measures.
 */
import { connect } from 'node:net'
import { percentile } from './figure.ts'

const [address = '', hands = '1', header = 'accept: */*'] = process.argv.slice(2)
const ms = 4_000
const url = new URL(address)
const question = `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n${header}\r\n\r\n`
const tookMs: number[] = []
const startedAt = performance.now()

/** How long the answer is that begins here: its head and what the head promises. */
const lengthOf = (text: string): number => {
  const headEnd = text.indexOf('\r\n\r\n')
  const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1]
  if (!text.startsWith('HTTP/1.1 200 ') || headEnd < 0 || length === undefined)
    throw new Error(`${address} answered ${text.slice(0, 400)}`)
  return headEnd + 4 + Number(length)
}

const ask = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true })
    let askedAt = 0
    let missing = 0
    const next = () => {
      askedAt = performance.now()
      if (askedAt - startedAt > ms) socket.end()
      else socket.write(question)
    }
    socket.on('connect', next)
    socket.on('error', reject)
    socket.on('close', resolve)
    socket.on('data', (part: Buffer) => {
      if (missing === 0) missing = lengthOf(part.toString('latin1'))
      missing -= part.length
      if (missing > 0) return
      tookMs.push(performance.now() - askedAt)
      next()
    })
  })

await Promise.all(Array.from({ length: Number(hands) }, ask))
const told = {
  perSecond: tookMs.length / ((performance.now() - startedAt) / 1_000),
  p50: percentile(tookMs, 0.5),
  p99: percentile(tookMs, 0.99),
}
process.stdout.write(JSON.stringify(told))
