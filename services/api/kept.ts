/**
 * Answers kept while the read models stand still. What such a route says follows from its address and
 * from tables that only the projector changes, together with its position; so an answer made at a
 * position is the answer, for whoever asks, until the position moves. Then all of them are forgotten.
 *
 * Who asks what another one is being told already waits for that answer. An answer made while the
 * position moved is given to those who waited, and not kept.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { App } from './api.ts'
import { tagOf } from './etag.ts'
import type { Position } from './position.ts'
import { aboutTrace } from './trace/tracing.ts'

export type Answer = {
  readonly text: string
  readonly tag: string
  readonly headers: Readonly<Record<string, string>>
  readonly traceSeed: string | null
}
type Slot = { answer: Answer | null; readonly waiting: ((answer: Answer | null) => void)[] }

const answersMax = 100
const charactersMax = 256 * 1_024
const keptHeaders = ['link', 'cache-control'] as const
/** Parameters that mean another time with every asking, or that wait for something. */
const moving = /[?&](since|until|dueBefore|asOf|wait)=/i

const shareable = ({ method, url, routeOptions, headers }: FastifyRequest): boolean =>
  routeOptions.config.kept === true &&
  method === 'GET' &&
  !moving.test(url) &&
  headers['cache-control'] !== 'no-cache'

const answerOf = (request: FastifyRequest, reply: FastifyReply, text: unknown): Answer | null => {
  if (typeof text !== 'string' || text.length > charactersMax) return null
  if (reply.statusCode !== 200) return null
  const headers = keptHeaders.flatMap((name) => {
    const value = reply.getHeader(name)
    return value === undefined ? [] : [[name, String(value)] as const]
  })
  const { traceSeed } = request
  return { text, tag: tagOf(text), headers: Object.fromEntries(headers), traceSeed }
}

/** Of the position that was read last, by address; the oldest one goes first. */
class Slots {
  readonly #slots = new Map<string, Slot>()
  #moment = ''

  at(moment: string, url: string): Slot | undefined {
    if (moment !== this.#moment) this.#slots.clear()
    this.#moment = moment
    return this.#slots.get(url)
  }

  add(url: string): Slot {
    const slot: Slot = { answer: null, waiting: [] }
    this.#slots.set(url, slot)
    if (this.#slots.size > answersMax) this.#slots.delete(this.#slots.keys().next().value!)
    return slot
  }

  /** Kept, unless the position moved or there is nothing to keep. */
  settle(slot: Slot, url: string, answer: Answer | null): void {
    slot.answer = answer
    if (answer === null && this.#slots.get(url) === slot) this.#slots.delete(url)
    for (const tell of slot.waiting.splice(0)) tell(answer)
  }
}

/** Registered behind the hook that reads the position, and before the one that tags answers. */
export const keepAnswers = (app: App, position: Position): void => {
  const slots = new Slots()
  const making = new WeakMap<FastifyRequest, Slot>()

  const give = (request: FastifyRequest, reply: FastifyReply, answer: Answer): void => {
    request.answer = answer
    if (answer.traceSeed !== null) aboutTrace(request, answer.traceSeed)
    void reply.headers(answer.headers).type('application/json; charset=utf-8').send(answer.text)
  }
  const settle = (request: FastifyRequest, answer: Answer | null): void => {
    const slot = making.get(request)
    if (slot === undefined) return
    making.delete(request)
    slots.settle(slot, request.url, answer)
  }

  app.decorateRequest('answer', null)
  app.addHook('preHandler', (request, reply, done) => {
    if (!shareable(request)) return done()
    const slot = slots.at(position.moment, request.url)
    if (slot === undefined) {
      making.set(request, slots.add(request.url))
      return done()
    }
    if (slot.answer) return give(request, reply, slot.answer)
    slot.waiting.push((answer) => (answer ? give(request, reply, answer) : done()))
  })
  app.addHook('onSend', (request, reply, payload, done) => {
    if (making.has(request)) {
      request.answer = answerOf(request, reply, payload)
      settle(request, request.answer)
    }
    done(null, payload)
  })
  // Whatever else became of it: nobody waits for ever.
  app.addHook('onResponse', (request, _, done) => {
    settle(request, null)
    done()
  })
}
