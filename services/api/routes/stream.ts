/**
 * What happens, as it happens: server-sent events whose id is the sequence of the log, so that whoever
 * was cut off goes on exactly where they were (`Last-Event-ID`, or `since`). All readers share one look
 * at the log; who is further behind than what is remembered reads the log itself until they are there.
 * A reader that does not read is cut, not buffered: it resumes by the same id.
 */
import type { ServerResponse } from 'node:http'
import { Type, type Static } from 'typebox'
import type { Commit } from '@headway/schemas/ports.ts'
import { base, type Api, type Routes } from '../api.ts'
import { Problem } from '../problem.ts'
import { presentCommit } from './log.ts'

const rememberedMax = 2_000
const behindBytesMax = 1024 * 1024
const drainMsMax = 10_000
const stride = 20
const pauseMs = 250
const heartbeatMs = 15_000
const resumeMs = 2_000

const Query = Type.Object({
  since: Type.Optional(Type.Integer({ minimum: 0, description: 'the last sequence you know' })),
  brief: Type.Optional(Type.Boolean({ description: 'only names and types, no event bodies' })),
})
type Query = Static<typeof Query>

/** The names that tell a reader whether it is concerned. */
const briefOf = ({ seq, at, topic, events }: Commit) => ({
  seq,
  at: new Date(at).toISOString(),
  kind: topic.kind,
  name: topic.name,
  types: [...new Set(events.map(({ type }) => type))],
  runs: [...new Set(events.flatMap((event) => ('run' in event ? [event.run] : [])))],
})

/** Written once for all who are told of it. */
class Frames {
  readonly #whole = new WeakMap<Commit, string>()
  readonly #brief = new WeakMap<Commit, string>()

  of(commit: Commit, brief: boolean): string {
    const known = brief ? this.#brief : this.#whole
    let text = known.get(commit)
    if (text === undefined) {
      const data = JSON.stringify(brief ? briefOf(commit) : presentCommit(commit))
      text = `id: ${commit.seq}\nevent: commit\ndata: ${data}\n\n`
      known.set(commit, text)
    }
    return text
  }
}

class Reader {
  /** The next sequence it has not been told. */
  next: number
  readonly #raw: ServerResponse
  readonly #tenant: string
  readonly #brief: boolean
  readonly #frames: Frames
  constructor(
    { tenant, frames }: { readonly tenant: string; readonly frames: Frames },
    raw: ServerResponse,
    next: number,
    { brief = false }: Query,
  ) {
    this.#tenant = tenant
    this.#frames = frames
    this.#raw = raw
    this.next = next
    this.#brief = brief
  }

  tell(commits: readonly Commit[]): void {
    let text = ''
    for (const commit of commits) {
      if (commit.seq < this.next) continue
      this.next = commit.seq + 1
      if (commit.tenant === this.#tenant) text += this.#frames.of(commit, this.#brief)
    }
    if (text !== '') this.#write(text)
  }

  beat(): void {
    this.#write(`id: ${this.next - 1}\n\n`)
  }

  end(): void {
    this.#raw.destroy()
  }

  /** Resolves when what was written has left; one for whom that takes too long is cut. */
  async drained(): Promise<void> {
    if (!this.#raw.writableNeedDrain || this.#raw.destroyed) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.end(), drainMsMax)
      const done = () => {
        clearTimeout(timer)
        this.#raw.off('drain', done).off('close', done)
        resolve()
      }
      this.#raw.once('drain', done).once('close', done)
    })
  }

  #write(text: string): void {
    if (this.#raw.destroyed) return
    this.#raw.write(text)
    if (this.#raw.writableLength > behindBytesMax) this.end()
  }
}

class Readers {
  readonly frames = new Frames()
  readonly #api: Api
  readonly #caughtUp = new Set<Reader>()
  #remembered: Commit[] = []
  /** The sequence from which on everything is remembered. */
  #from = Infinity
  #isFollowing = false
  constructor(api: Api) {
    this.#api = api
  }

  async #follow(head: number): Promise<void> {
    const { log, signal, clock, logger } = this.#api
    this.#isFollowing = true
    let next = head + 1
    this.#from = next
    while (!signal.aborted) {
      try {
        for await (const commits of log.tail({ from: next, signal })) {
          this.#remember(commits)
          next = commits.at(-1)!.seq + 1
          for (const reader of this.#caughtUp) reader.tell(commits)
        }
      } catch (error) {
        logger.warn({ error: String(error) }, 'the log cannot be followed; trying again')
      }
      await clock.sleep(pauseMs, signal)
    }
  }

  #remember(commits: readonly Commit[]): void {
    this.#remembered.push(...commits)
    // Cut now and then, not with every commit.
    if (this.#remembered.length < 2 * rememberedMax) return
    this.#remembered = this.#remembered.slice(-rememberedMax)
    this.#from = this.#remembered[0]!.seq
  }

  /** Serves until the signal fires. */
  async serve(reader: Reader, head: number, signal: AbortSignal): Promise<void> {
    if (!this.#isFollowing) void this.#follow(head)
    while (reader.next < this.#from && !signal.aborted) await this.#catchUp(reader, signal)
    if (signal.aborted) return
    // From here to the next line nothing is awaited, so nothing falls between the two.
    reader.tell(this.#remembered)
    this.#caughtUp.add(reader)
    await new Promise<void>((resolve) =>
      signal.aborted
        ? resolve()
        : signal.addEventListener('abort', () => resolve(), { once: true }),
    )
    this.#caughtUp.delete(reader)
  }

  /** Reads the log itself, as fast as the reader does, until what is remembered goes on from there. */
  async #catchUp(reader: Reader, signal: AbortSignal): Promise<void> {
    for await (const commits of this.#api.log.tail({ from: reader.next, signal })) {
      for (let i = 0; i < commits.length && !signal.aborted; i += stride) {
        reader.tell(commits.slice(i, i + stride))
        await reader.drained()
      }
      if (reader.next >= this.#from) return
    }
  }
}

const sinceOf = (lastEventId: unknown, { since }: Query): number | undefined => {
  if (lastEventId === undefined || lastEventId === '') return since
  const seq = Number(lastEventId)
  if (Number.isSafeInteger(seq) && seq >= 0) return seq
  throw new Problem(400, 'bad_header', 'Last-Event-ID is the id of the last event you got')
}

export const streamRoutes: Routes = (app, api) => {
  const readers = new Readers(api)
  app.get(
    `${base}/stream`,
    {
      schema: {
        summary: 'Commits as they happen, as server-sent events; the id is the sequence',
        tags: ['log'],
        querystring: Query,
        produces: ['text/event-stream'],
        response: { 200: Type.String({ description: 'events, until somebody hangs up' }) },
      },
      config: { role: 'viewer', unprojected: true, anyMedia: true },
    },
    async (request, reply) => {
      const { seq: head } = await api.log.head()
      const since = sinceOf(request.headers['last-event-id'], request.query) ?? head
      const gone = new AbortController()
      const { raw } = reply.hijack()
      const signal = AbortSignal.any([api.signal, gone.signal])
      raw.once('close', () => gone.abort())
      raw.on('error', () => gone.abort())
      raw.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
        // Nothing comes after it, so an end is the connection's end.
        connection: 'close',
        'x-content-type-options': 'nosniff',
      })
      raw.write(`retry: ${resumeMs}\nid: ${since}\nevent: ready\ndata: {"seq":${head}}\n\n`)
      const reader = new Reader(
        { tenant: api.tenant, frames: readers.frames },
        raw,
        since + 1,
        request.query,
      )
      const heartbeat = setInterval(() => {
        // Whoever has lost the right to look is not told any more.
        if (api.identities.isGood(request.identity)) reader.beat()
        else reader.end()
      }, heartbeatMs)
      await readers.serve(reader, head, signal)
      clearInterval(heartbeat)
      raw.end()
    },
  )
}
