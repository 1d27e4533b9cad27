/**
 * The API as functions with types, for browsers and programs alike: `ask('GET /api/v1/runs/{id}', { path:
 * { id } })`. What was written is read: every answer's sequence is handed to the reads that follow. A
 * write has a key of its own, so that one that got no answer can be sent again. An address is a read
 * that can be kept, compared and asked for later: a string that knows what it answers.
 */
import type { Operations } from './openapi.ts'

export type { Operations } from './openapi.ts'
export type OperationName = keyof Operations
export type AnswerOf<N extends OperationName> = Operations[N]['answer']
type None = Readonly<Record<string, never>>
type Part<K extends string, V> = V extends undefined
  ? unknown
  : None extends V
    ? { readonly [P in K]?: V }
    : { readonly [P in K]: V }
export type Asked<N extends OperationName> = Part<'path', Operations[N]['path']> &
  Part<'query', Operations[N]['query']> &
  Part<'body', Operations[N]['body']> & {
    readonly key?: string
    readonly signal?: AbortSignal
  }

declare const answer: unique symbol
export type Address<T> = string & { readonly [answer]: T }
type ReadName = Extract<OperationName, `GET ${string}`>

export type Reply<T> = {
  readonly data: T
  /** The next page of a list. */
  readonly next: Address<T> | null
  /** How much of the log the answer knows; null when it does not depend on it. */
  readonly projectedSeq: number | null
}

export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  /** 0 when there was no answer. */
  readonly status: number
  readonly code: string
  readonly retryable: boolean
  constructor(status: number, code: string, detail: string, retryable: boolean) {
    super(detail)
    this.status = status
    this.code = code
    this.retryable = retryable
  }
}

type Scalar = string | number | boolean
type Loose = {
  readonly path?: Readonly<Record<string, unknown>>
  readonly query?: Readonly<Record<string, Scalar | readonly Scalar[] | undefined>>
  readonly body?: unknown
  readonly key?: string
  readonly signal?: AbortSignal
}

const pathOf = (template: string, { path = {}, query = {} }: Loose): string => {
  const filled = template.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(path[name])),
  )
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    for (const one of Array.isArray(value) ? (value as readonly Scalar[]) : [value as Scalar])
      if (one !== undefined) search.append(name, String(one))
  return search.size === 0 ? filled : `${filled}?${search.toString()}`
}

export const addressOf = <N extends ReadName>(name: N, asked: Asked<N>): Address<AnswerOf<N>> =>
  pathOf(name.slice('GET '.length), asked as Loose) as Address<AnswerOf<N>>

const problemOf = async (response: Response): Promise<ApiProblem> => {
  const told = (await response.json().catch(() => ({}))) as Partial<ApiProblem> & {
    readonly detail?: string
  }
  const detail = told.detail ?? `the API answered ${response.status}`
  return new ApiProblem(response.status, told.code ?? 'no_answer', detail, told.retryable ?? false)
}

type Settings = {
  /** Without one the browser's session counts. */
  readonly token?: string
  /** Who the log says it was, where nobody has to prove it. */
  readonly actor?: string
}

export class Client {
  readonly #origin: string
  readonly #settings: Settings
  /** The newest sequence that this client knows of. */
  #seq = 0

  constructor(origin = '', settings: Settings = {}) {
    this.#origin = origin
    this.#settings = settings
  }

  /** What is read from now on knows of this, or says that it does not. */
  know(seq: number): void {
    this.#seq = Math.max(this.#seq, seq)
  }

  async ask<N extends OperationName>(name: N, asked: Asked<N>): Promise<Reply<AnswerOf<N>>> {
    const [method = 'GET', template = ''] = name.split(' ')
    return this.#send(method, pathOf(template, asked as Loose), asked as Loose)
  }

  read<T>(address: Address<T>): Promise<Reply<T>> {
    return this.#send('GET', address, {})
  }

  async #send<T>(method: string, path: string, asked: Loose): Promise<Reply<T>> {
    const { body, signal } = asked
    const isBytes = body instanceof Blob
    const response = await fetch(`${this.#origin}${path}`, {
      method,
      headers: this.#headers(method, asked, isBytes),
      ...(signal ? { signal } : {}),
      ...(body === undefined ? {} : { body: isBytes ? body : JSON.stringify(body) }),
    }).catch(() => {
      throw new ApiProblem(0, 'unreachable', 'the API does not answer', true)
    })
    const type = response.headers.get('content-type') ?? ''
    const isJson = type.includes('json')
    // What is not well may be the answer: a health report is one whatever its status.
    const isAnswer = response.ok || (isJson && !type.includes('problem+json'))
    if (!isAnswer) throw await problemOf(response)
    const data = isJson ? await response.json() : response.status === 204 ? null : response.blob()
    const { seq } = (data ?? {}) as { seq?: unknown }
    if (method !== 'GET' && typeof seq === 'number') this.know(seq)
    const projected = response.headers.get('x-projected-seq')
    const link = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get('link') ?? '')?.[1]
    const next = (link ?? null) as Address<T> | null
    const projectedSeq = projected === null ? null : Number(projected)
    return { data: (await data) as T, next, projectedSeq }
  }

  #headers(method: string, { body, key }: Loose, isBytes: boolean): Record<string, string> {
    const isRead = method === 'GET'
    const { token, actor } = this.#settings
    return {
      accept: 'application/json, */*;q=0.1',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(isRead || actor === undefined ? {} : { 'x-headway-actor': actor }),
      ...(isRead && this.#seq > 0 ? { 'min-projected-seq': String(this.#seq) } : {}),
      ...(isRead ? {} : { 'idempotency-key': key ?? crypto.randomUUID() }),
      ...(body === undefined || isBytes ? {} : { 'content-type': 'application/json' }),
    }
  }
}
