/**
 * Vercel's REST API for the environment variables of one project, from its public reference: upsert of
 * many, pages, values in clear one by one, and a rate limit that says when to come back.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export const token = 'right-token'

export type Variable = {
  readonly id: string
  readonly key: string
  readonly value: string
  readonly type: string
  readonly target: readonly string[]
  readonly gitBranch?: string
  readonly customEnvironmentIds?: readonly string[]
}
type Reply = { status: number; content: unknown; headers?: Record<string, string> }

const pageSize = 100
const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Nobody waits for the answer to a request that was never said to its end. */
const whoeverLeft = () => {}

export const startVercel = async (options: { tooManyFirst?: number } = {}) => {
  const projects = new Map<string, Variable[]>()
  let made = 0
  let asked = 0
  const upsert = (variables: Variable[], given: Omit<Variable, 'id'>): object | null => {
    if (!namePattern.test(given.key)) return { code: 'INVALID_KEY', key: given.key }
    const rivals = variables.filter(
      ({ key, target, gitBranch }) =>
        key === given.key &&
        gitBranch === given.gitBranch &&
        target.some((one) => given.target.includes(one)),
    )
    const [old] = rivals
    if (old && JSON.stringify(old.target) !== JSON.stringify(given.target)) {
      return { code: 'ENV_CONFLICT', key: given.key }
    }
    const variable = { ...given, id: old?.id ?? `env_${made++}` }
    if (old) variables.splice(variables.indexOf(old), 1, variable)
    else variables.push(variable)
    return null
  }
  const answer = (request: IncomingMessage, body: string): Reply => {
    const { method } = request
    if (request.headers.authorization !== `Bearer ${token}`) return failed(403, 'forbidden')
    if (asked++ < (options.tooManyFirst ?? 0)) {
      return { ...failed(429, 'rate_limited'), headers: { 'retry-after': '0' } }
    }
    const url = new URL(request.url!, 'http://vercel')
    const path = /^\/v(\d+)\/projects\/([^/]+)\/env(?:\/([^/]+))?$/.exec(url.pathname)
    if (!path) return failed(404, 'not_found')
    const [, version, project, id] = path
    if (project === 'absent') return failed(404, 'not_found')
    const variables = projects.get(project!) ?? []
    projects.set(project!, variables)
    const route = `${method} v${version}${id ? ' one' : ''}`
    if (route === 'GET v10') return list(variables, url.searchParams)
    if (route === 'POST v10' && url.searchParams.get('upsert') === 'true') {
      const given = [JSON.parse(body) as Omit<Variable, 'id'>[]].flat()
      const errors = given.map((one) => upsert(variables, one)).filter((error) => error !== null)
      return { status: 201, content: { failed: errors.map((error) => ({ error })) } }
    }
    const found = variables.find((variable) => variable.id === id)
    if (!found) return failed(404, 'not_found')
    if (route === 'GET v1 one') return { status: 200, content: { ...found, decrypted: true } }
    if (route !== 'DELETE v9 one') return failed(405, 'method_not_allowed')
    variables.splice(variables.indexOf(found), 1)
    return { status: 200, content: {} }
  }
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { status, content, headers = {} } = answer(request, body)
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(JSON.stringify(content))
    }, whoeverLeft)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    projects,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const failed = (status: number, code: string): Reply => ({
  status,
  content: { error: { code, message: `no: ${code}` } },
})

/** Values that are kept encrypted are listed encrypted. */
const list = (variables: readonly Variable[], query: URLSearchParams): Reply => {
  const from = Number(query.get('until') ?? 0)
  const envs = variables
    .slice(from, from + pageSize)
    .map((one) => (one.type === 'plain' ? one : { ...one, value: 'ciphertext' }))
  const next = from + pageSize < variables.length ? from + pageSize : null
  return { status: 200, content: { envs, pagination: { count: envs.length, next } } }
}
