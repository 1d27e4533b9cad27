/**
 * Environment variables of a Vercel project, over its REST API, for some of its targets.
 *
 * A variable is ours when its targets, branch and custom environments are exactly those of the sink; the
 * same name for another target is another variable. Names follow Vercel's rules, so a rule renames what
 * does not (`rename: { DB_HOST: db.host }`). What was written as `sensitive` can never be read back, so
 * such a sink can neither confirm nor see drift: the type is refused.
 */
import { Type } from '../options.ts'
import { refused, send, type SinkAnswer, type SinkRequest } from './request.ts'
import { sideBySide } from './side-by-side.ts'
import { SinkError, type SinkType } from './sink.ts'

const options = Type.Object({
  project: Type.String(),
  token: Type.String({ secret: true }),
  team: Type.Optional(Type.String()),
  targets: Type.Optional(
    Type.Array(Type.Enum(['production', 'preview', 'development']), { minItems: 1 }),
  ),
  customEnvironments: Type.Optional(Type.Array(Type.String())),
  gitBranch: Type.Optional(Type.String()),
  /** How Vercel keeps the values. */
  variableType: Type.Optional(Type.Enum(['encrypted', 'plain'])),
  url: Type.Optional(Type.String()),
})

type Variable = {
  readonly id: string
  readonly key: string
  readonly value?: string
  readonly type: string
  readonly target?: string | readonly string[]
  readonly customEnvironmentIds?: readonly string[]
  readonly gitBranch?: string | null
  readonly decrypted?: boolean
}

/** One request creates or changes this many. */
const batchKeys = 100
const width = 4
const namePattern = /^[A-Za-z_][A-Za-z0-9_]{0,255}$/
const keysMax = 1_000
const valueBytesMax = 65_536

export const vercel: SinkType<typeof options> = {
  type: 'vercel',
  options,
  open: async (given) => {
    const { token, team, gitBranch, variableType: type = 'encrypted' } = given
    const base = (given.url ?? 'https://api.vercel.com').replace(/\/+$/, '')
    const customEnvironmentIds = given.customEnvironments ?? []
    const target: readonly string[] =
      given.targets ?? (customEnvironmentIds.length > 0 ? [] : ['production'])

    const ask = async (
      method: SinkRequest['method'],
      path: string,
      signal: AbortSignal,
      asked: { query?: Readonly<Record<string, string>>; content?: unknown } = {},
    ): Promise<SinkAnswer> => {
      const query = new URLSearchParams({ ...asked.query, ...(team ? { teamId: team } : {}) })
      const url = `${base}${path}?${query.toString()}`
      const answer = await send({
        method,
        url,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        signal,
        ...(asked.content === undefined ? {} : { body: JSON.stringify(asked.content) }),
      })
      const isGone = method === 'DELETE' && answer.status === 404
      if (answer.status >= 300 && !isGone) throw refused({ method, url }, answer, codeIn(answer))
      return answer
    }
    const folder = `/projects/${encodeURIComponent(given.project)}/env`

    const isOurs = (variable: Variable): boolean =>
      isSameSet([variable.target ?? []].flat(), target) &&
      isSameSet(variable.customEnvironmentIds ?? [], customEnvironmentIds) &&
      (variable.gitBranch ?? undefined) === gitBranch

    const list = async (signal: AbortSignal): Promise<Variable[]> => {
      const variables: Variable[] = []
      let query: Readonly<Record<string, string>> = {}
      for (;;) {
        const { text } = await ask('GET', `/v10${folder}`, signal, { query })
        const { envs, pagination } = JSON.parse(text) as {
          envs: readonly Variable[]
          pagination?: { next?: number | string | null }
        }
        variables.push(...envs.filter(isOurs))
        const next = pagination?.next
        if (next === undefined || next === null) return variables
        query = { until: String(next) }
      }
    }
    /** The list holds encrypted values encrypted; the one variable is given in clear. */
    const valueOf = async (variable: Variable, signal: AbortSignal): Promise<string | null> => {
      if (variable.type === 'plain' && variable.value !== undefined) return variable.value
      const { text } = await ask('GET', `/v1${folder}/${variable.id}`, signal)
      const { value, decrypted, type: kind } = JSON.parse(text) as Variable
      return kind !== 'plain' && decrypted !== true ? null : (value ?? null)
    }
    return {
      render: (value) => (typeof value === 'string' ? value : JSON.stringify(value)),
      async read(keys, signal) {
        const wanted = keys === 'all' ? null : new Set(keys)
        const found = new Map<string, string>()
        const variables = await list(signal)
        await sideBySide(variables, width, async (variable) => {
          if (!(wanted?.has(variable.key) ?? true)) return
          const value = await valueOf(variable, signal)
          if (value !== null) found.set(variable.key, value)
        })
        return found
      },
      async write(changes, _place, signal) {
        insist(changes.set)
        const entries = [...changes.set]
        const existing = await list(signal)
        insistOnCount(existing, changes)
        for (let at = 0; at < entries.length; at += batchKeys) {
          const content = entries.slice(at, at + batchKeys).map(([key, value]) => ({
            key,
            value,
            type,
            target,
            comment: 'managed by headway',
            ...(customEnvironmentIds.length > 0 ? { customEnvironmentIds } : {}),
            ...(gitBranch === undefined ? {} : { gitBranch }),
          }))
          const query = { upsert: 'true' }
          const { text } = await ask('POST', `/v10${folder}`, signal, { query, content })
          insistOnAll(text)
        }
        const unwanted = new Set(changes.delete)
        await sideBySide(
          existing.filter(({ key }) => unwanted.has(key)),
          width,
          async ({ id }) => void (await ask('DELETE', `/v9${folder}/${id}`, signal)),
        )
      },
      close: async () => {},
    }
  },
}

const isSameSet = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((one) => right.includes(one))

const refuse = (why: string): never => {
  throw new SinkError(`vercel: ${why}`, { retryable: false })
}

const insist = (set: ReadonlyMap<string, string>): void => {
  const misnamed = [...set.keys()].filter((key) => !namePattern.test(key))
  if (misnamed.length > 0) {
    const some = misnamed.slice(0, 3).map((key) => JSON.stringify(key))
    refuse(`${some.join(', ')}${misnamed.length > 3 ? ' and more' : ''}: not a variable's name; \
use \`rename\` in the rule`)
  }
  for (const [key, value] of set) {
    if (Buffer.byteLength(value) > valueBytesMax) {
      refuse(`${key} is larger than ${valueBytesMax} bytes`)
    }
  }
}

const insistOnCount = (
  existing: readonly Variable[],
  changes: { readonly set: ReadonlyMap<string, string>; readonly delete: readonly string[] },
): void => {
  const keys = new Set([...existing.map(({ key }) => key), ...changes.set.keys()])
  const gone = changes.delete.filter((key) => keys.has(key)).length
  if (keys.size - gone > keysMax) {
    refuse(`${keys.size - gone} variables; an environment takes ${keysMax}`)
  }
}

/** A request with many variables may be answered with 201 and still have failed for some of them. */
const insistOnAll = (text: string): void => {
  const { failed = [] } = JSON.parse(text) as {
    failed?: readonly { error?: { code?: string; key?: string } }[]
  }
  const first = failed[0]?.error
  if (first)
    refuse(`${failed.length} variables were refused: ${first.key ?? ''} ${first.code ?? ''}`)
}

const codeIn = ({ text }: SinkAnswer): string | undefined => {
  try {
    return (JSON.parse(text) as { error?: { code?: string } }).error?.code
  } catch {
    return undefined
  }
}
