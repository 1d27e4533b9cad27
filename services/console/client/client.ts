/**
 * The API as functions with types, for browsers and programs alike: `ask('GET /api/v1/runs/{id}', { path:
 * { id } })`. What was written is read: every answer's sequence is handed to the reads that follow. A
 * write has a key of its own, so that one that got no answer can be sent again.
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

export type Reply<T> = {
  readonly data: T
  /** Path of the next page of a list. */
  readonly next: string | null
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

const problemOf = async (response: Response): Promise<ApiProblem> => {
  const told = (await response.json().catch(() => ({}))) as Partial<ApiProblem> & {
    readonly detail?: string
  }
  const detail = told.detail ?? `the API answered ${response.status}`
  return new ApiProblem(response.status, told.code ?? 'no_answer', detail, told.retryable ?? false)
}

export class Client {
  readonly #address: string
  readonly #token: string | null
  /** The newest sequence that this client knows of. */
  #seq = 0

  /** Without a token the browser's session counts. */
  constructor(address = '', token: string | null = null) {
    this.#address = address
    this.#token = token
  }

  /** What is read from now on knows of this, or says that it does not. */
  know(seq: number): void {
    this.#seq = Math.max(this.#seq, seq)
  }

  async ask<N extends OperationName>(name: N, asked: Asked<N>): Promise<Reply<AnswerOf<N>>> {
    const [method = 'GET', template = ''] = name.split(' ')
    return this.#send(method, pathOf(template, asked as Loose), asked as Loose)
  }

  /** The page that a reply's `next` names. */
  follow<N extends OperationName>(_: N, next: string): Promise<Reply<AnswerOf<N>>> {
    return this.#send('GET', next, {})
  }

  async #send<T>(method: string, path: string, asked: Loose): Promise<Reply<T>> {
    const { body, signal } = asked
    const isBytes = body instanceof Blob
    const response = await fetch(`${this.#address}${path}`, {
      method,
      headers: this.#headers(method, asked, isBytes),
      ...(signal ? { signal } : {}),
      ...(body === undefined ? {} : { body: isBytes ? body : JSON.stringify(body) }),
    }).catch(() => {
      throw new ApiProblem(0, 'unreachable', 'the API does not answer', true)
    })
    if (!response.ok) throw await problemOf(response)
    const isJson = response.headers.get('content-type')?.includes('json') ?? false
    const data = isJson ? await response.json() : response.status === 204 ? null : response.blob()
    const { seq } = (data ?? {}) as { seq?: unknown }
    if (method !== 'GET' && typeof seq === 'number') this.know(seq)
    const projected = response.headers.get('x-projected-seq')
    const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get('link') ?? '')?.[1] ?? null
    const projectedSeq = projected === null ? null : Number(projected)
    return { data: (await data) as T, next, projectedSeq }
  }

  #headers(method: string, { body, key }: Loose, isBytes: boolean): Record<string, string> {
    const isRead = method === 'GET'
    return {
      accept: 'application/json, */*;q=0.1',
      ...(this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }),
      ...(isRead && this.#seq > 0 ? { 'min-projected-seq': String(this.#seq) } : {}),
      ...(isRead ? {} : { 'idempotency-key': key ?? crypto.randomUUID() }),
      ...(body === undefined || isBytes ? {} : { 'content-type': 'application/json' }),
    }
  }
}
