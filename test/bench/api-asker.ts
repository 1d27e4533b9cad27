/** Asks one address with so many hands for some seconds, and prints how that went. */
import { Agent, request } from 'node:http'
import { percentile } from './figure.ts'

const [url = '', hands = '1'] = process.argv.slice(2)
const ms = 4_000
const agent = new Agent({ keepAlive: true, maxSockets: Number(hands) })
const tookMs: number[] = []

const ask = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const askedAt = performance.now()
    request(url, { agent }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`))
      response.resume().on('end', () => {
        tookMs.push(performance.now() - askedAt)
        resolve()
      })
    })
      .on('error', reject)
      .end()
  })

const startedAt = performance.now()
await Promise.all(
  Array.from({ length: Number(hands) }, async () => {
    while (performance.now() - startedAt < ms) await ask()
  }),
)
const seconds = (performance.now() - startedAt) / 1_000
agent.destroy()
const told = {
  perSecond: tookMs.length / seconds,
  p50: percentile(tookMs, 0.5),
  p99: percentile(tookMs, 0.99),
}
process.stdout.write(JSON.stringify(told))
