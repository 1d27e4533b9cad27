/** The API over a real log, a real Postgres and the real projector; facts are put on the log by name. */
import type { App } from '@headway/api/api.ts'
import { buildApp } from '@headway/api/app.ts'
import { openDatabase } from '@headway/api/database.ts'
import { parseResumeKeys } from '@headway/api/resume-token.ts'
import { startProjector } from '@headway/projector/start.ts'
import type { PipelineDefinition, Question, VersionRef } from '@headway/schemas/definitions.ts'
import type { Event, EventOf } from '@headway/schemas/events.ts'
import { sha256, ulidOf } from '@headway/schemas/ids.ts'
import type { Topic } from '@headway/schemas/ports.ts'
import { append, defineAsset, definePipeline, startWorld, until, type World } from './harness.ts'

export const codeA = 'aaaaaaaaaaaa'
export const codeB = 'bbbbbbbbbbbb'
export const ada = { name: 'ada', reason: 'because' }
export const keys = 'k2:another-long-secret,k1:a-rather-long-secret'
const at = '2026-11-21T00:00:00.000Z'

type Call = { headers?: Record<string, string>; payload?: object; key?: string }
export type Reply = {
  readonly status: number
  readonly headers: Record<string, unknown>
  // oxlint-disable-next-line typescript/no-explicit-any -- answers are looked at, not computed with
  readonly body: any
}

export class ApiWorld {
  readonly world: World
  readonly app: App
  readonly #close: () => Promise<void>
  #runs = 0

  constructor(world: World, app: App, close: () => Promise<void>) {
    this.world = world
    this.app = app
    this.#close = close
  }

  static async open(
    options: { resumeKeys?: string; projector?: typeof startProjector } = {},
  ): Promise<ApiWorld> {
    const world = await startWorld({ postgres: true })
    const { url } = world.postgres!
    const { signal } = world
    const { projector = startProjector } = options
    world.run(projector(await world.open('projector'), { pgUrl: url, signal }))
    const database = openDatabase(url, world.doors.logger)
    const resumeKeys = parseResumeKeys(options.resumeKeys ?? keys)
    const ports = { ...world.doors, db: database.db, tenant: 'default', resumeKeys }
    const app = await buildApp(ports)
    const close = async () => {
      await app.close()
      await database.close()
      await world.stop()
    }
    const opened = new ApiWorld(world, app, close)
    await until('the read models', async () => (await opened.send('GET', '/status')).status === 200)
    return opened
  }

  close(): Promise<void> {
    return this.#close()
  }

  /** Waits until everything on the log is in the read models. */
  async settled(): Promise<void> {
    const { seq } = await this.world.doors.log.head()
    await until(`position ${seq}`, async () => {
      const { headers } = await this.send('GET', '/status')
      return Number(headers['x-projected-seq']) >= seq
    })
  }

  async send(method: string, path: string, { headers, payload, key }: Call = {}): Promise<Reply> {
    const reply = await this.app.inject({
      method: method as 'GET',
      url: path.startsWith('/api') ? path : `/api/v1${path}`,
      headers: { 'x-headway-actor': 'ada', ...headers, ...(key && { 'idempotency-key': key }) },
      ...(payload ? { payload } : {}),
    })
    return { status: reply.statusCode, headers: reply.headers, body: reply.json() }
  }

  /** Asks when the read models know everything. */
  async call(method: string, path: string, call: Call = {}): Promise<Reply> {
    await this.settled()
    return this.send(method, path, call)
  }
  post(path: string, payload: object = {}, key?: string): Promise<Reply> {
    return this.call('POST', path, { payload, ...(key === undefined ? {} : { key }) })
  }
  async get(path: string): Promise<Reply['body']> {
    return (await this.call('GET', path)).body
  }

  tell(kind: Topic['kind'], name: string, ...events: Event[]) {
    return append(this.world.doors, { kind, name }, ...events)
  }
  /** Events of a type that are on the log. */
  async told<T extends Event['type']>(type: T, pipeline?: string): Promise<EventOf<T>[]> {
    const { log } = this.world.doors
    const { seq } = await log.head()
    const found: Event[] = []
    for (let i = 1; i <= seq; i++) found.push(...((await log.at(i))?.events ?? []))
    return found.filter(
      (event): event is EventOf<T> =>
        event.type === type &&
        (pipeline === undefined || ('pipeline' in event && event.pipeline === pipeline)),
    )
  }

  /** A pipeline with code: `first` and `second` are its steps, codeA is active. */
  async pipeline(id: string, definition: Partial<PipelineDefinition> = {}): Promise<void> {
    await definePipeline(this.world.doors, id, { slots: { feed: `in/${id}` }, ...definition })
    await defineAsset(this.world.doors, `in/${id}`, {})
    await this.release(id, codeA)
    await this.activate(id, codeA)
  }
  release(pipeline: string, pipelineVersion: string) {
    return this.tell('release', pipeline, {
      type: 'ReleaseRegistered',
      v: 1,
      at,
      pipeline,
      pipelineVersion,
      feedType: 'other',
      folder: pipeline,
      inputs: { feed: { kind: 'opaque_bytes', optional: false } },
      outputs: { out: { kind: 'opaque_bytes', step: 'second' } },
      steps: ['first', 'second'].map((step) => ({ id: step, type: step, builtin: false })),
      edges: [],
    })
  }
  activate(pipeline: string, pipelineVersion: string) {
    const head = { v: 1 as const, at, pipeline, actor: ada }
    return this.tell('release', pipeline, { type: 'ReleaseActivated', ...head, pipelineVersion })
  }
  worker(worker: string, pipelines: Record<string, string>, more = {}) {
    return this.tell('worker', 'default', {
      type: 'WorkerJoined',
      v: 1,
      at,
      worker,
      pool: 'default',
      version: codeA,
      pipelines,
      capabilities: [],
      host: 'h',
      pid: 1,
      ...more,
    })
  }
  /** With text it is a table whose bytes are there; without, nobody looks at them. */
  async version(asset: string, ordinal: number, text?: string): Promise<VersionRef> {
    const version = ulidOf(Date.parse(at) + ordinal, asset, ordinal)
    const bytes = text === undefined ? null : Buffer.from(text)
    const { content } = this.world.doors
    const digest = bytes ? await content.put('default', bytes) : sha256(version)
    const kind = bytes ? 'csv_table' : 'opaque_bytes'
    const sizeBytes = bytes?.length ?? 5
    const renditions = [{ name: 'x', mediaType: 'x/y', digest, sizeBytes }]
    await this.tell('asset', asset, {
      type: 'AssetVersioned',
      v: 1,
      at,
      asset,
      version,
      ordinal,
      kind,
      rawDigest: digest,
      contentDigest: digest,
      sizeBytes,
      rows: 0,
      facts: {},
      renditions,
      origin: { by: 'fetch', url: 'http://x', status: 200 },
    })
    return { asset, version, ordinal, digest, sizeBytes, kind }
  }

  /** A run that was asked for. */
  async run(pipeline: string, fields: Partial<EventOf<'RunRequested'>> = {}): Promise<string> {
    const run = fields.run ?? ulidOf(Date.now(), pipeline, this.#runs++)
    const { seq } = await this.world.doors.log.head()
    await this.tell('pipeline', pipeline, {
      type: 'RunRequested',
      v: 1,
      at,
      pipeline,
      run,
      pipelineVersion: codeA,
      reason: 'triggered',
      inputs: {},
      triggeredBy: [],
      throughSeq: seq,
      ...fields,
    })
    return run
  }
  started(pipeline: string, run: string, attempt = 1, epoch = 0, pipelineVersion = codeA) {
    return this.tell('run', pipeline, {
      type: 'RunStarted',
      ...this.fence(pipeline, run, attempt, epoch),
      pipelineVersion,
      worker: 'w1',
      ownInputs: {},
    })
  }
  fence(pipeline: string, run: string, attempt = 1, epoch = 0) {
    const later = epoch > 0 ? { epoch } : {}
    return { v: 1 as const, at, pipeline, run, attempt, ...later }
  }
  ended(
    type: 'RunCompleted' | 'RunFailed' | 'RunDeadLettered' | 'RunCancelled',
    pipeline: string,
    run: string,
    { attempt = 1, epoch = 0, error = { type: 'Boom', message: 'it broke' } } = {},
  ) {
    const head = { ...this.fence(pipeline, run, attempt, epoch), durationMs: 7 }
    if (type === 'RunCompleted') return this.tell('run', pipeline, { type, ...head })
    if (type === 'RunCancelled') return this.tell('run', pipeline, { type, ...head, actor: ada })
    return this.tell('run', pipeline, { type, ...head, error })
  }
  /** A run that used up its attempts. */
  async dead(pipeline: string, error?: { type: string; message: string }, fields = {}) {
    const run = await this.run(pipeline, fields)
    await this.started(pipeline, run)
    await this.ended('RunDeadLettered', pipeline, run, error ? { error } : {})
    return run
  }
  /** A run whose step `first` asks something. */
  async asking(pipeline: string, fields: Partial<Question> = {}) {
    const run = await this.run(pipeline)
    await this.started(pipeline, run)
    const interaction = ulidOf(Date.now(), 'question', run)
    const question: Question = {
      interaction,
      step: 'first',
      timeoutMs: 3_600_000,
      request: { what: 'is this right?' },
      response: { type: 'object', required: ['ok'], properties: { ok: { type: 'boolean' } } },
      token: false,
      ...fields,
    }
    const head = this.fence(pipeline, run)
    await this.tell('run', pipeline, { type: 'RunSuspended', ...head, questions: [question] })
    return { run, interaction }
  }
}
