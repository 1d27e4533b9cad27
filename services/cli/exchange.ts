/** One request and its text on Node's own client: to load `fetch` takes longer than most commands do. */
import type { OutgoingHttpHeaders } from 'node:http'

export type Answer = {
  readonly status: number
  readonly text: string
  /** Where a redirection leads; nobody follows it with somebody's token. */
  readonly location: string | undefined
}
type Question = {
  readonly method: string
  readonly headers: OutgoingHttpHeaders
  readonly body?: string | Uint8Array
  readonly timeoutMs: number
}

export const exchange = async (url: string, question: Question): Promise<Answer> => {
  const { method, body, timeoutMs } = question
  // Node sends no length, and so no body, with methods that seldom have one.
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  const headers = { ...question.headers, ...length }
  const { request: send } = await (url.startsWith('https:')
    ? import('node:https')
    : import('node:http'))
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const request = send(url, { method, headers, signal }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.once('error', reject)
      response.once('end', () => {
        const { statusCode: status = 0, headers: told } = response
        resolve({ status, text: Buffer.concat(parts).toString(), location: told.location })
      })
    })
    request.once('error', (error) => reject(signal.aborted ? (signal.reason as Error) : error))
    request.end(body)
  })
}
