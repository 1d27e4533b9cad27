/**
 * Restate: one service handler with four `ctx.run`, asked for through the ingress with an idempotency key.
 * Every step's result is in its journal before the next step begins, and the journal is kept.
 *
 * In its favour: where a second may be lost, its log is never synced at all (it has no interval, so the
 * kernel decides); few partitions, because there are two cores; one HTTP/2 connection instead of one
 * request after the other per connection.
 * Everything listens on loopback with ports of its own: by default the admin port is open to the network,
 * and whoever finds it registers services.
 */
import { createServer, connect, type ClientHttp2Session } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { startChild, untilReady } from '@headway/deploy/child.ts'
import { freePort } from '@headway/deploy/ports.ts'
import { inFlight, inGroups, load, pathOf, steps, versionOf } from './peer.ts'
import type { Durability, OpenPeer } from './peer.ts'

type Context = { run<T>(name: string, action: () => T): Promise<T> }
type Restate = {
  service(definition: {
    readonly name: string
    readonly handlers: Readonly<Record<string, (ctx: Context, n: number) => Promise<unknown>>>
  }): object
  endpoint(): { bind(service: object): { http2Handler(): Parameters<typeof createServer>[1] } }
}

const stepNames = Array.from({ length: steps }, (_, i) => `step-${i + 1}`)

export const open: OpenPeer = async ({ durability, directory }) => {
  const restate = load<Restate>('@restatedev/restate-sdk')
  const server = await startRestate(directory, durability)
  let executed = 0
  let ended = 0
  let enqueued = 0
  let openGate = () => {}
  const gate = new Promise<void>((resolve) => (openGate = resolve))

  const service = restate.service({
    name: 'runs',
    handlers: {
      run: async (ctx, n) => {
        await gate
        for (const name of stepNames)
          await ctx.run(name, () => {
            executed++
            return name
          })
        ended++
        return n
      },
    },
  })
  const endpoint = createServer(restate.endpoint().bind(service).http2Handler()!)
  await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve))
  const { port } = endpoint.address() as AddressInfo
  await ask(server.admin, '/deployments', { uri: `http://127.0.0.1:${port}` })

  const session = connect(server.ingress)
  const post = (path: string, n: number) => request(session, path, n)
  const count = async (from: string): Promise<number> => {
    const query = `select count(1) as count from ${from}`
    const { rows } = (await ask(server.admin, '/query', { query })) as {
      rows: readonly { readonly count: number }[]
    }
    return rows[0]!.count
  }
  const completed = () => count("sys_invocation where status = 'completed'")
  return {
    versions: {
      'restate-server': server.version,
      'restate-sdk': versionOf('@restatedev/restate-sdk'),
    },
    start: async () => openGate(),
    submit: (n) => post('/runs/run', n),
    enqueue: async (runs) => {
      await inGroups(runs, inFlight, (group) =>
        Promise.all(group.map((n) => post('/runs/run/send', n))),
      )
      enqueued += runs
    },
    drain: async () => {
      openGate()
      while (ended < enqueued) await pause()
      while ((await completed()) < enqueued) await pause()
    },
    executed: () => executed,
    history: async () => ({
      runs: await completed(),
      steps: await count("sys_journal where entry_type = 'Command: Run'"),
    }),
    close: async () => {
      session.destroy()
      await server.stop()
      endpoint.close()
    },
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 5))

const request = (session: ClientHttp2Session, path: string, n: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/json',
      'idempotency-key': `run-${n}`,
    })
    let status = 0
    let body = ''
    stream.setEncoding('utf8')
    stream.once('response', (headers) => (status = Number(headers[':status'])))
    stream.on('data', (text: string) => (body += text))
    stream.once('error', reject)
    stream.once('end', () => {
      if (status >= 200 && status < 300) resolve()
      else reject(new Error(`restate answered ${status}: ${body}`))
    })
    stream.end(String(n))
  })

const ask = async (admin: string, path: string, body: object): Promise<unknown> => {
  const answer = await fetch(`${admin}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`restate answered ${answer.status}: ${await answer.text()}`)
  return answer.json()
}

const startRestate = async (directory: string, durability: Durability) => {
  const [ingress, admin, fabric] = [await freePort(), await freePort(), await freePort()]
  const relaxed = durability === 'second' ? 'true' : 'false'
  const child = await startChild({
    name: 'restate-server',
    command: pathOf('@restatedev/restate-server-linux-x64/bin/restate-server'),
    args: ['--no-logo', '--listen-mode', 'tcp'],
    cwd: directory,
    env: {
      ...process.env,
      RESTATE_BASE_DIR: join(directory, 'restate'),
      RESTATE_NODE_NAME: 'bench',
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_LOG_FILTER: 'warn',
      RESTATE_BIFROST__DEFAULT_PROVIDER: 'local',
      RESTATE_BIFROST__LOCAL__ROCKSDB_DISABLE_WAL_FSYNC: relaxed,
      RESTATE_DEFAULT_NUM_PARTITIONS: '2',
      RESTATE_BIND_ADDRESS: `127.0.0.1:${fabric}`,
      RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${fabric}`,
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
    },
  })
  const urls = [`http://127.0.0.1:${ingress}/restate/health`, `http://127.0.0.1:${admin}/health`]
  const isUp = async (url: string) => (await fetch(url).catch(() => null))?.ok === true
  await untilReady(child, async () =>
    (await Promise.all(urls.map(isUp))).every(Boolean) ? true : undefined,
  )
  return {
    ingress: `http://127.0.0.1:${ingress}`,
    admin: `http://127.0.0.1:${admin}`,
    version: versionOf('@restatedev/restate-server'),
    stop: child.stop,
  }
}
