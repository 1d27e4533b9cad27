/** Secrets behind references, and where they are needed. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openGit } from '@headway/fetcher/git.ts'
import { readKeys } from '@headway/api/webhooks/keys.ts'
import { resolveSecret, SecretError } from '@headway/streams/secrets.ts'
import { canary, VaultServer } from './fixtures/vault-server.ts'
import { Repository, serveGit } from './git-world.ts'

const { signal } = new AbortController()

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

describe('a secret of Vault where configuration comes from', () => {
  test('signs deliveries; whoever finds the address does not have Vault asked each time', async () => {
    vi.stubEnv('VAULT_TOKEN', 'token')
    const references = ['vault:kv/shop#password', 'vault:kv/shop#nothing', 'env:NOT_THERE']
    const keys = await readKeys(references, 0)
    expect(keys).toEqual({ values: [canary], missing: references.slice(1) })
    const asked = vault.requests.length
    expect(await readKeys(references, 29_999)).toEqual(keys)
    expect(vault.requests.length).toBe(asked)
    await readKeys(references, 30_000)
    expect(vault.requests.length).toBe(2 * asked)
  })

  test('is a token for Git', async () => {
    vi.stubEnv('VAULT_TOKEN', 'token')
    const server = await serveGit(directory)
    server.password = `x-access-token:${canary}`
    const commit = new Repository(directory, 'acme/shop').commit({ 'a.yaml': 'a: 1' })
    const git = openGit({ directory: join(directory, 'cache'), secret: resolveSecret })
    const place = {
      tenant: 'default',
      source: 'acme',
      platform: 'github' as const,
      url: server.url,
      allowPrivateHosts: true,
      repository: 'acme/shop',
    }
    const token = 'vault:kv/shop#password'
    const refs = await git.refs({ ...place, token }, signal)
    expect(refs.get('refs/heads/main')).toBe(commit)
    vault.trouble.push(503, 503, 503, 503, 503)
    await expect(git.refs({ ...place, token }, signal)).rejects.toMatchObject({
      type: 'secret_missing',
      retryable: true,
    })
    server.close()
  }, 30_000)
})
