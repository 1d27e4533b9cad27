/**
 * Entity tags of answers that have none of their own: who asks again with `If-None-Match` is told in one
 * line that nothing changed. Weak, because it is the digest of this writing of the answer.
 */
import { createHash } from 'node:crypto'
import type { App } from './api.ts'
import { matches } from './range.ts'

export const tagOf = (text: string): string =>
  `"${createHash('sha1').update(text).digest('base64url').slice(0, 20)}"`

export const tagAnswers = (app: App): void => {
  app.addHook('onSend', (request, reply, payload, done) => {
    const isTagged =
      typeof payload === 'string' &&
      reply.statusCode === 200 &&
      (request.method === 'GET' || request.method === 'HEAD') &&
      !reply.hasHeader('etag') &&
      reply.getHeader('cache-control') !== 'no-store'
    if (!isTagged) return done(null, payload)
    const tag = request.answer?.tag ?? tagOf(payload)
    void reply.header('etag', `W/${tag}`)
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'private, no-cache')
    if (!matches(request.headers['if-none-match'], tag)) return done(null, payload)
    void reply.code(304).removeHeader('content-length')
    done(null, null)
  })
}
