/**
 * The API with the projector at work: how long a list and a single thing take, how many requests a second
 * it answers, as they are kept and made anew each time, beside a bare Fastify that asks pg for the same
 * rows in the same run; how fast what happens reaches 2,000 who listen while a tenth of them does not
 * read; and how long the CLI takes beside Node itself.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { figure, percentile, type Figure } from './figure.ts'

const place = fileURLToPath(new URL('./api-server.ts', import.meta.url))
const asker = fileURLToPath(new URL('./api-asker.ts', import.meta.url))
const door = fileURLToPath(new URL('../../deploy/headway.mjs', import.meta.url))
const listeners = 2_000
const deafShare = 0.1
const tellings = 60
const commands = ['--version', '--help', 'runs']
const fresh = 'cache-control: no-cache'

type Ready = { readonly api: string; readonly bare: string; readonly run: string }
type Asked = { readonly perSecond: number; readonly p50: number; readonly p99: number }

const node = (file: string, ...args: string[]) =>
  spawn(process.execPath, ['--import', import.meta.resolve('tsx'), file, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })

/** Asked by a process of its own: whoever measures must not share a thread with what is measured. */
const ask = async (url: string, hands: number, header?: string): Promise<Asked> => {
  const child = node(asker, url, String(hands), ...(header === undefined ? [] : [header]))
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
  await once(child, 'close')
  return JSON.parse(text) as Asked
}

const listen = async (url: URL, deaf: boolean, heard: (at: number) => void): Promise<Socket> => {
  const socket = connect({ host: url.hostname, port: Number(url.port) })
  socket.on('error', () => socket.destroy())
  await once(socket, 'connect')
  socket.write(`GET /api/v1/stream HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`)
  await once(socket, 'data')
  if (deaf) return socket.pause()
  socket.setEncoding('latin1').on('data', (part: string) => {
    for (const [, at] of part.matchAll(/"detail":"told (\d+\.?\d*) /g)) heard(Number(at))
  })
  return socket
}

const listening = async (ready: Ready, tell: (text: string) => void): Promise<Figure> => {
  const url = new URL(ready.api)
  const waits: number[] = []
  const heard = (at: number) => waits.push(Date.now() - at)
  const sockets: Socket[] = []
  for (let i = 0; i < listeners; i += 100)
    sockets.push(
      ...(await Promise.all(
        Array.from({ length: 100 }, (_, j) => listen(url, (i + j) % (1 / deafShare) === 0, heard)),
      )),
    )
  for (let i = 0; i < tellings; i++) {
    tell('tell')
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  const wanted = tellings * listeners * (1 - deafShare)
  for (let i = 0; i < 100 && waits.length < wanted; i++)
    await new Promise((resolve) => setTimeout(resolve, 100))
  for (const socket of sockets) socket.destroy()
  if (waits.length < wanted) throw new Error(`${waits.length} of ${wanted} events were heard`)
  return figure('event to 1,800 of 2,000 listeners, p99', percentile(waits, 0.99), 'ms', 500)
}

/** In turns, so that what else the machine does falls on all alike. */
const startUps = (apiUrl: string): Figure[] => {
  const env = { ...process.env, HEADWAY_API_URL: apiUrl }
  const samples = new Map<string, number[]>()
  for (let i = 0; i < 16; i++)
    for (const args of [['-e', '0'], ...commands.map((command) => [door, command])]) {
      const startedAt = performance.now()
      const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
      if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`)
      const name = args.at(-1)!
      // The first time it is bundled.
      if (i > 0) samples.set(name, [...(samples.get(name) ?? []), performance.now() - startedAt])
    }
  const floor = percentile(samples.get('0')!, 0.5)
  return commands.map((command) =>
    figure(`headway ${command}, p50`, percentile(samples.get(command)!, 0.5), 'ms', floor),
  )
}

export const run = async (): Promise<Figure[]> => {
  const server = node(place)
  try {
    const [line] = (await once(server.stdout, 'data')) as [Buffer]
    const ready = JSON.parse(line.toString()) as Ready
    const tell = (text: string) => void server.stdin.write(`${text}\n`)
    const list = `${ready.api}/api/v1/runs?limit=20`
    const one = `${ready.api}/api/v1/runs/${ready.run}`
    const bareList = `${ready.bare}/runs`
    for (const url of [list, one, bareList]) await ask(url, 16)
    const [alone, single, aloneAnew, bareAlone] = [
      await ask(list, 1),
      await ask(one, 1),
      await ask(list, 1, fresh),
      await ask(bareList, 1),
    ]
    const [many, anew, bareMany] = [
      await ask(list, 32),
      await ask(list, 32, fresh),
      await ask(bareList, 32),
    ]
    const starts = startUps(ready.api)
    tell('quiet')
    return [
      figure('list, p50', alone.p50, 'ms', bareAlone.p50),
      figure('list made anew, p50', aloneAnew.p50, 'ms', bareAlone.p50),
      figure('get, p50', single.p50, 'ms', bareAlone.p50),
      figure('list, 32 at once', many.perSecond, 'requests/s', bareMany.perSecond),
      figure('list made anew, 32 at once', anew.perSecond, 'requests/s', bareMany.perSecond),
      await listening(ready, tell),
      ...starts,
    ]
  } finally {
    server.stdin.end()
    await once(server, 'close')
  }
}
