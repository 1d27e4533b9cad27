/**
 * Secrets kept by a Vault (or OpenBao) key-value store, version 1 or 2: `<mount>/<path>#<field>`, with or
 * without version 2's `data/`. The server is VAULT_ADDR, within VAULT_NAMESPACE. How we log in is told by
 * what is set: VAULT_TOKEN, VAULT_ROLE_ID and VAULT_SECRET_ID (approle), VAULT_KUBERNETES_ROLE (with the
 * service account's token), VAULT_USERNAME and VAULT_PASSWORD; VAULT_AUTH_MOUNT where it is not the usual.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { withDeadline } from './deadline.ts'
import { SecretError } from './secrets.ts'

const attemptsMax = 5
const attemptMs = 10_000
const pauseMs = 200
const pauseMsMax = 5_000
const serviceAccountToken = '/var/run/secrets/kubernetes.io/serviceaccount/token'

type Answer = { readonly status: number; readonly body: Record<string, unknown> }
type Request = { readonly path: string; readonly token?: string; readonly body?: object }

const objectOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

const address = (): string => {
  const value = process.env['VAULT_ADDR']?.replace(/\/+$/, '')
  if (value) return value
  throw new SecretError('VAULT_ADDR is not set where it is needed: set it to the address of Vault')
}

/** Too busy, broken, sealed, or not yet as far as we are. */
const isPassing = (status: number): boolean => status === 429 || status === 412 || status >= 500

const send = async ({ path, token, body }: Request, signal: AbortSignal) => {
  const namespace = process.env['VAULT_NAMESPACE']
  const response = await fetch(`${address()}/v1/${path}`, {
    method: body ? 'POST' : 'GET',
    headers: {
      'X-Vault-Request': 'true',
      ...(token && { 'X-Vault-Token': token }),
      ...(namespace && { 'X-Vault-Namespace': namespace }),
    },
    ...(body && { body: JSON.stringify(body) }),
    redirect: 'error',
    signal: withDeadline(attemptMs, signal),
  })
  const text = await response.text()
  return { response, text }
}

const readBody = (text: string): Record<string, unknown> => {
  try {
    return objectOf(JSON.parse(text))
  } catch {
    return {}
  }
}

/** Asks until there is an answer that means something. */
const ask = async (request: Request, signal: AbortSignal): Promise<Answer> => {
  for (let attempt = 1; ; attempt++) {
    let trouble = 'did not answer'
    let pause = pauseMs * 2 ** (attempt - 1)
    try {
      const { response, text } = await send(request, signal)
      const { status } = response
      if (!isPassing(status)) return { status, body: readBody(text) }
      trouble = `answered ${status}`
      pause = Math.max(pause, Number(response.headers.get('retry-after') ?? 0) * 1_000 || 0)
    } catch (error) {
      if (error instanceof SecretError) throw error
    }
    signal.throwIfAborted()
    if (attempt === attemptsMax)
      throw new SecretError(`Vault ${trouble}, ${attemptsMax} times`, { retryable: true })
    await sleep(Math.min(pause, pauseMsMax), undefined, { signal })
  }
}

const serviceAccount = async (): Promise<string> => {
  const path = process.env['VAULT_KUBERNETES_TOKEN_FILE'] ?? serviceAccountToken
  const token = await readFile(path, 'utf8').catch(() => {
    throw new SecretError(`the service account's token ${path} cannot be read where it is needed`)
  })
  return token.trim()
}

type Login = { readonly method: string; readonly path: string; readonly body: object }

/** What is set says how to log in; null when nothing is. */
const loginOf = async (): Promise<Login | null> => {
  const { env } = process
  const mountOr = (usual: string) => segments(env['VAULT_AUTH_MOUNT'] ?? usual)
  const roleId = env['VAULT_ROLE_ID']
  if (roleId) {
    const body = { role_id: roleId, secret_id: env['VAULT_SECRET_ID'] ?? '' }
    return { method: 'approle', path: `auth/${mountOr('approle')}/login`, body }
  }
  const role = env['VAULT_KUBERNETES_ROLE']
  if (role) {
    const body = { role, jwt: await serviceAccount() }
    return { method: 'kubernetes', path: `auth/${mountOr('kubernetes')}/login`, body }
  }
  const username = env['VAULT_USERNAME']
  if (!username) return null
  const path = `auth/${mountOr('userpass')}/login/${segments(username)}`
  return { method: 'userpass', path, body: { password: env['VAULT_PASSWORD'] ?? '' } }
}

const tokenOf = async (signal: AbortSignal): Promise<string> => {
  const given = process.env['VAULT_TOKEN']?.trim()
  if (given) return given
  const login = await loginOf()
  if (!login)
    throw new SecretError(
      'nothing says how to log in to Vault: set VAULT_TOKEN, VAULT_ROLE_ID, VAULT_KUBERNETES_ROLE ' +
        'or VAULT_USERNAME where it is needed',
    )
  const { status, body } = await ask({ path: login.path, body: login.body }, signal)
  const token = textOf(objectOf(body['auth'])['client_token'])
  if (status === 200 && token) return token
  throw new SecretError(`Vault refused our ${login.method} login (${status})`)
}

/** A path as part of an address; nothing in it leads out of where it is. */
const segments = (path: string): string => {
  const parts = path.split('/').filter((part) => part !== '')
  if (parts.some((part) => part === '.' || part === '..'))
    throw new SecretError(`vault:${path} has . or .. in it: write the path as Vault has it`)
  return parts.map(encodeURIComponent).join('/')
}

/** The address of a secret: version 2 has its data below `data/`. */
const placeOf = async (path: string, token: string, signal: AbortSignal): Promise<string> => {
  const { status, body } = await ask({ path: `sys/internal/ui/mounts/${path}`, token }, signal)
  const data = objectOf(body['data'])
  const mount = textOf(data['path'])
  const isVersion2 = objectOf(data['options'])['version'] === '2'
  if (status !== 200 || !mount || !isVersion2 || !path.startsWith(mount)) return path
  const rest = path.slice(mount.length)
  return rest.startsWith('data/') ? path : `${mount}data/${rest}`
}

const fieldOf = (body: Record<string, unknown>, field: string): unknown => {
  const data = objectOf(body['data'])
  const isVersion2 = 'metadata' in data && typeof data['data'] === 'object'
  const fields = isVersion2 ? objectOf(data['data']) : data
  return Object.hasOwn(fields, field) ? fields[field] : undefined
}

export const readVault = async (name: string, signal: AbortSignal): Promise<string> => {
  const hash = name.lastIndexOf('#')
  const [path, field] = [segments(name.slice(0, Math.max(hash, 0))), name.slice(hash + 1)]
  if (hash < 1 || !path.includes('/') || !field)
    throw new SecretError(`vault:${name} is not of the form vault:<mount>/<path>#<field>`)
  const token = await tokenOf(signal)
  const { status, body } = await ask({ path: await placeOf(path, token, signal), token }, signal)
  if (status === 403) throw new SecretError(`Vault does not let us read vault:${name} (403)`)
  if (status !== 200 && status !== 404)
    throw new SecretError(`Vault answered ${status} for vault:${name}`)
  const value = status === 200 ? fieldOf(body, field) : undefined
  if (typeof value === 'string' && value !== '') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new SecretError(`Vault has no text at vault:${name}`)
}
