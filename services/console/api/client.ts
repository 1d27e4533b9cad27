/** Asking the API: answers with their next page, problems as errors that say what to do. */
import { ApiProblem } from '../client/client.ts'

export { ApiProblem } from '../client/client.ts'
export const base = '/api/v1'

export type Answer<T> = { readonly data: T; readonly next: string | null; readonly seq: number }

const problemOf = async (response: Response): Promise<ApiProblem> => {
  const body = (await response.json().catch(() => ({}))) as { code?: string; detail?: string }
  const { code = 'no_answer', detail = `the API answered ${response.status}` } = body
  return new ApiProblem(response.status, code, detail, false)
}

/** The newest sequence that this page knows of: reads wait until the read models know it too. */
let knownSeq = 0
export const know = (seq: number): void => {
  knownSeq = Math.max(knownSeq, seq)
}
export const known = (): number => knownSeq

export const send = async <T>(method: string, path: string, body?: object): Promise<Answer<T>> => {
  const isWrite = method !== 'GET'
  const response = await fetch(path.startsWith('/') ? path : `${base}/${path}`, {
    method,
    headers: {
      accept: 'application/json',
      ...(knownSeq > 0 && !isWrite ? { 'min-projected-seq': String(knownSeq) } : {}),
      ...(isWrite
        ? {
            'content-type': 'application/json',
            'idempotency-key': crypto.randomUUID(),
            'x-headway-actor': 'console',
          }
        : {}),
    },
    ...(isWrite ? { body: JSON.stringify(body ?? {}) } : {}),
  }).catch(() => {
    throw new ApiProblem(
      0,
      'unreachable',
      'the API does not answer; it is tried again by itself',
      true,
    )
  })
  const isHealth = path.startsWith('/health')
  if (!response.ok && !(isHealth && response.status === 503)) throw await problemOf(response)
  const data = (await response.json()) as T
  const seq = (data as { seq?: unknown } | null)?.seq
  if (isWrite && typeof seq === 'number') know(seq)
  const link = response.headers.get('link')
  const next = /<([^>]+)>;\s*rel="next"/.exec(link ?? '')?.[1] ?? null
  return { data, next, seq: Number(response.headers.get('x-projected-seq') ?? 0) }
}
