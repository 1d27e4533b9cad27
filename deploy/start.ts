/**
 * `npm start`: the whole platform on this machine, and the demo agency for it to work on.
 *
 * NATS and Postgres run as children that cannot outlive this process and are started again when they
 * die; the rooms that only wait (fetcher, debounce, projector, API) share this process, because six
 * Node processes would cost more memory than all of the work; each pool of workers is a process of its
 * own, started again when it dies. Everything is kept under `.headway/`.
 */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { builtConsole } from '@headway/api/console.ts'
import { parseConfig, type Config } from '@headway/schemas/config.ts'
import { openDoors, type Doors } from '@headway/streams/room.ts'
import { demoTokens, startAgency } from './demo/agency.ts'
import { hasGit, shopUrl, startShop } from './demo/shop.ts'
import { startVandal } from './demo/vandal.ts'
import { startNats } from './nats-server.ts'
import { assertPortsFree, portsFrom, type Ports } from './ports.ts'
import { startPostgres } from './postgres.ts'
import { startRooms } from './rooms.ts'
import { readOptions, type StartOptions } from './start-options.ts'
import { keepRunning, type Kept } from './supervise.ts'
import { Terminal } from './terminal.ts'
import { startWorkerPool } from './worker-pool.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const version = '0.1.0'

/** An address without who logs in. */
const addressIn = (url: string): string => (URL.canParse(url) ? new URL(url).host : url)

/** What is up, in the order in which it goes down. */
type Running = { readonly name: string; readonly stop: () => Promise<void> }

const dataDirectory = async (options: StartOptions): Promise<string> => {
  if (options.ephemeral) {
    const temporary = await mkdtemp(join(tmpdir(), 'headway-'))
    // Postgres runs as somebody else when we are root, and must be able to get there.
    await chmod(temporary, 0o755)
    return temporary
  }
  const directory = resolve('.headway')
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, '.gitignore'), '*\n')
  return directory
}

const readConfig = async (file: string, agencyUrl: string, shops: string): Promise<Config> => {
  process.env.HEADWAY_AGENCY_URL ??= agencyUrl
  process.env.HEADWAY_SHOP_URL ??= shops
  process.env.PIMS_PROD_TOKEN ??= demoTokens.prod
  process.env.PIMS_QA_TOKEN ??= demoTokens.qa
  return parseConfig(await readFile(file, 'utf8'), file)
}

class Platform {
  readonly #options: StartOptions
  readonly #ports: Ports
  readonly #terminal: Terminal
  readonly #running: Running[] = []
  readonly #rooms = new AbortController()
  #natsUrl = ''
  #pgUrl = ''

  constructor(options: StartOptions, terminal: Terminal) {
    this.#options = options
    this.#ports = portsFrom(options.portBase)
    this.#terminal = terminal
  }

  async start(): Promise<Doors> {
    const startedAt = performance.now()
    const agencyUrl = `http://127.0.0.1:${this.#ports.agency}`
    const directory = await dataDirectory(this.#options)
    const shops = join(directory, 'repositories')
    const config = await readConfig(this.#options.config, agencyUrl, shopUrl(shops))
    const usesAgency = Object.values(config.assets).some(({ url }) => url?.startsWith(agencyUrl))
    const usesShop = Object.values(config.sources).some(({ url }) => url === shopUrl(shops))
    await this.#checkPorts(usesAgency)
    this.#terminal.header(version)
    await Promise.all([
      this.#startNats(directory),
      this.#startPostgres(directory),
      usesAgency ? this.#startAgency() : null,
    ])
    const doors = await this.#terminal.phase(
      'streams',
      async () => {
        const opened = await openDoors('start', this.#natsUrl)
        this.#running.push({ name: 'doors', stop: opened.close })
        return { value: opened, told: 'in place' }
      },
      `no nats-server answers at ${addressIn(this.#natsUrl)}; it is tried again and again`,
    )
    this.#startPools(config)
    await this.#startRooms(doors, config)
    const onProblem = (message: string) => this.#terminal.problem(message)
    if (usesShop) void this.#startShop(shops, onProblem).catch((e: unknown) => onProblem(String(e)))
    await this.#tellReady(directory, performance.now() - startedAt)
    return doors
  }

  /** Takes nothing new, lets the rooms finish, then stops what they stood on. */
  async stop(): Promise<void> {
    this.#rooms.abort()
    for (const { stop } of this.#running.splice(0).reverse()) await stop()
  }

  async #checkPorts(usesAgency: boolean): Promise<void> {
    const { api, nats, postgres, agency } = this.#ports
    await assertPortsFree({
      api,
      ...(process.env.HEADWAY_NATS_URL ? {} : { nats }),
      ...(process.env.HEADWAY_PG_URL ? {} : { postgres }),
      ...(usesAgency ? { agency } : {}),
    })
  }

  async #startNats(directory: string): Promise<void> {
    const external = process.env.HEADWAY_NATS_URL
    if (external) return void (this.#natsUrl = external)
    const dataDir = join(directory, 'nats')
    await this.#terminal.phase('nats-server', async () => {
      const kept = await this.#keep('nats-server', () =>
        startNats({ dataDir, port: this.#ports.nats }),
      )
      this.#natsUrl = kept.first.url
      return { value: kept, told: kept.first.version }
    })
  }

  async #startPostgres(directory: string): Promise<void> {
    const external = process.env.HEADWAY_PG_URL
    if (external) return void (this.#pgUrl = external)
    const dataDir = join(directory, 'pg')
    await this.#terminal.phase('postgres', async () => {
      const kept = await this.#keep('postgres', () =>
        startPostgres({ dataDir, port: this.#ports.postgres }),
      )
      this.#pgUrl = kept.first.url
      return { value: kept, told: kept.first.version }
    })
  }

  async #startAgency(): Promise<void> {
    const agency = await startAgency({ port: this.#ports.agency })
    this.#running.push({ name: 'agency', stop: () => agency.close() })
  }

  /** Nobody has to have git for the feeds: without it the demo is without its shop. */
  async #startShop(directory: string, onProblem: (message: string) => void): Promise<void> {
    if (!(await hasGit()))
      return onProblem('git is not here: configuration in Git waits until it is installed')
    const shop = await startShop({ directory, onProblem })
    this.#running.push({ name: 'shop', stop: shop.stop })
    const vandal = startVandal({ natsUrl: this.#natsUrl, onProblem })
    this.#running.push({ name: 'vandal', stop: vandal.stop })
  }

  #startPools(config: Config): void {
    const { pipelines, rules } = config
    const all = [...Object.values(pipelines), ...Object.values(rules)]
    for (const pool of new Set(all.map((one) => one.pool ?? 'default'))) {
      const kept = this.#keep(`worker pool ${pool}`, () =>
        startWorkerPool({
          pool,
          natsUrl: this.#natsUrl,
          pgUrl: this.#pgUrl,
          pipelines: this.#options.pipelines ?? here('./pipelines'),
          onLine: (line) => this.#terminal.line(`  ${line}`),
        }),
      )
      kept.catch((error: unknown) => this.#terminal.problem(String(error)))
    }
  }

  async #startRooms(doors: Doors, config: Config): Promise<void> {
    await this.#terminal.phase('rooms', async () => {
      const rooms = await startRooms({
        natsUrl: this.#natsUrl,
        pgUrl: this.#pgUrl,
        port: this.#ports.api,
        signal: this.#rooms.signal,
        doors,
        config,
        onProblem: (message) => this.#terminal.problem(message),
      })
      this.#running.push({ name: 'rooms', stop: () => rooms.ended })
      return { value: rooms, told: rooms.told }
    })
  }

  async #keep<C extends { stop(): Promise<void>; exited: Promise<number | null> }>(
    name: string,
    start: () => Promise<C>,
  ): Promise<Kept<C>> {
    const kept = await keepRunning(name, start, (message) => this.#terminal.problem(message))
    this.#running.push({ name, stop: kept.stop })
    return kept
  }

  async #tellReady(directory: string, readyMs: number): Promise<void> {
    const web = `http://127.0.0.1:${this.#ports.api}`
    const ready = {
      event: 'ready',
      ms: Math.round(readyMs),
      console: web,
      api: `${web}/api/v1`,
      docs: `${web}/docs`,
      nats: this.#natsUrl,
      postgres: this.#pgUrl,
      agency: `http://127.0.0.1:${this.#ports.agency}`,
      pid: process.pid,
      dataDir: directory,
    }
    await writeFile(join(directory, 'dev.json'), `${JSON.stringify(ready, null, 2)}\n`)
    this.#terminal.ready(ready, this.#options.ephemeral)
    // Whoever opens it in a moment finds it built; why it cannot be built is told there.
    void builtConsole().catch(() => {})
    if (this.#options.ephemeral)
      this.#running.unshift({
        name: 'data',
        stop: () => rm(directory, { recursive: true, force: true }),
      })
  }
}

/** Tells the story from now on until the signal. */
const follow = async (doors: Doors, terminal: Terminal, signal: AbortSignal): Promise<void> => {
  const { seq } = await doors.log.head()
  for await (const commits of doors.log.tail({ from: seq + 1, signal }))
    for (const commit of commits) terminal.story(commit)
}

const run = async (): Promise<void> => {
  const options = readOptions(process.argv.slice(2).filter((word) => word !== 'start'))
  if (!options) return
  const terminal = new Terminal(options)
  const platform = new Platform(options, terminal)
  const stop = new AbortController()
  const onSignal = () => {
    if (stop.signal.aborted) process.kill(process.pid, 'SIGKILL')
    stop.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  try {
    const doors = await platform.start()
    await follow(doors, terminal, stop.signal)
    terminal.stopping()
  } catch (error) {
    terminal.problem(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  } finally {
    await platform.stop()
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}

await run()
