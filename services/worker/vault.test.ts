/** Against a server that answers as Vault's HTTP API does; nothing is mocked on our side. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { resolveSecret, SecretError } from './secrets.ts'

const canary = 'canary-5f2e'
const { signal } = new AbortController()

type Answer = readonly [status: number, body: object]
const logins: Record<string, Record<string, string>> = {
  '/v1/auth/approle/login': { role_id: 'role', secret_id: canary },
  '/v1/auth/kubernetes/login': { role: 'worker', jwt: canary },
  '/v1/auth/userpass/login/ann': { password: canary },
}
const fields = { password: canary, port: 5432, nothing: {} }
const version2 = {
  request_id: 'r',
  lease_duration: 0,
  data: { data: fields, metadata: { version: 3, deletion_time: '', destroyed: false } },
}
const mountOf = (path: string, version: string) => ({
  data: { path, type: 'kv', options: { version } },
})

class VaultServer {
  readonly requests: { url: string; namespace: string | undefined }[] = []
  /** Given before anything else. */
  readonly trouble: number[] = []
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request).then(([status, body]) => {
        response.writeHead(status, { 'content-type': 'application/json' })
        response.end(JSON.stringify(body))
      })
    })
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const url = request.url!
    this.requests.push({ url, namespace: request.headers['x-vault-namespace'] as string })
    const trouble = this.trouble.shift()
    if (trouble) return [trouble, { errors: [`trouble with ${canary}`] }]
    const login = logins[url]
    if (login) {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const isRight = JSON.stringify(login) === Buffer.concat(chunks).toString()
      if (isRight) return [200, { auth: { client_token: 'token', lease_duration: 60 } }]
      return [400, { errors: [`invalid credentials ${canary}`] }]
    }
    if (request.headers['x-vault-token'] !== 'token') return [403, { errors: ['denied'] }]
    if (url.startsWith('/v1/sys/internal/ui/mounts/kv/')) return [200, mountOf('kv/', '2')]
    if (url.startsWith('/v1/sys/internal/ui/mounts/old/')) return [200, mountOf('old/', '1')]
    if (url === '/v1/kv/data/shop') return [200, version2]
    if (url === '/v1/old/shop') return [200, { lease_duration: 2_764_800, data: fields }]
    return [404, { errors: [] }]
  }
}

let vault: VaultServer
let directory: string
beforeEach(async () => {
  vault = new VaultServer()
  directory = await mkdtemp(join(tmpdir(), 'headway-vault-'))
  vi.stubEnv('VAULT_ADDR', await vault.start())
})
afterEach(async () => {
  vault.stop()
  vi.unstubAllEnvs()
  await rm(directory, { recursive: true })
})

const failure = async (ref: string): Promise<SecretError> => {
  const error = await resolveSecret(ref, signal).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(SecretError)
  return error as SecretError
}

describe('a secret of Vault', () => {
  test('is read of either version, with and without data/ in its path', async () => {
    vi.stubEnv('VAULT_TOKEN', 'token')
    vi.stubEnv('VAULT_NAMESPACE', 'team')
    expect(await resolveSecret('vault:kv/data/shop#password', signal)).toBe(canary)
    expect(await resolveSecret('vault:kv/shop#password', signal)).toBe(canary)
    expect(await resolveSecret('vault:old/shop#password', signal)).toBe(canary)
    expect(await resolveSecret('vault:old/shop#port', signal)).toBe('5432')
    expect(new Set(vault.requests.map(({ namespace }) => namespace))).toEqual(new Set(['team']))
  })

  test('is read after a login by approle, kubernetes or userpass', async () => {
    vi.stubEnv('VAULT_ROLE_ID', 'role')
    vi.stubEnv('VAULT_SECRET_ID', canary)
    expect(await resolveSecret('vault:kv/shop#password', signal)).toBe(canary)
    vi.stubEnv('VAULT_ROLE_ID', '')
    vi.stubEnv('VAULT_KUBERNETES_ROLE', 'worker')
    vi.stubEnv('VAULT_KUBERNETES_TOKEN_FILE', join(directory, 'token'))
    await writeFile(join(directory, 'token'), `${canary}\n`)
    expect(await resolveSecret('vault:kv/shop#password', signal)).toBe(canary)
    vi.stubEnv('VAULT_KUBERNETES_ROLE', '')
    vi.stubEnv('VAULT_USERNAME', 'ann')
    vi.stubEnv('VAULT_PASSWORD', canary)
    expect(await resolveSecret('vault:kv/shop#password', signal)).toBe(canary)
  })

  test('is asked for again when Vault is busy or sealed', async () => {
    vi.stubEnv('VAULT_TOKEN', 'token')
    vault.trouble.push(429, 503, 500)
    expect(await resolveSecret('vault:kv/shop#password', signal)).toBe(canary)
  })

  test('is an error that can pass while Vault is down', { timeout: 30_000 }, async () => {
    vi.stubEnv('VAULT_TOKEN', 'token')
    vault.trouble.push(503, 503, 503, 503, 503)
    const error = await failure('vault:kv/shop#password')
    expect(error.message).toBe('Vault answered 503, 5 times')
    expect(error.retryable).toBe(true)
    vault.stop()
    expect((await failure('vault:kv/shop#password')).retryable).toBe(true)
  })

  test('that is not there or not for us is an error without any secret [I14]', async () => {
    vi.stubEnv('VAULT_TOKEN', 'token')
    const refs = ['kv/shop#other', 'kv/shop#nothing', 'kv/other#a', 'kv/shop', 'kv#a', 'kv/../a#b']
    for (const ref of refs) {
      const { message, retryable } = await failure(`vault:${ref}`)
      expect(message).toContain(ref.split('#')[0])
      expect(message).not.toContain(canary)
      expect(retryable).toBe(false)
    }
    vi.stubEnv('VAULT_TOKEN', 'wrong')
    expect((await failure('vault:kv/shop#password')).message).toContain('(403)')
    vi.stubEnv('VAULT_TOKEN', '')
    expect((await failure('vault:kv/shop#password')).message).toContain('how to log in')
    vi.stubEnv('VAULT_USERNAME', 'ann')
    vi.stubEnv('VAULT_PASSWORD', 'wrong')
    const { message } = await failure('vault:kv/shop#password')
    expect(message).toBe('Vault refused our userpass login (400)')
  })
})
