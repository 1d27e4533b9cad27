import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Arrival } from '@headway/schemas/asset.ts'
import { hiding } from './arrival.ts'
import { resolveSecret, SecretError } from '@headway/streams/secrets.ts'
import { SecretsInUse } from './secrets.ts'

const canary = 'canary 5f2e/+&='
let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'headway-secrets-'))
  vi.stubEnv('CANARY', canary)
  vi.stubEnv('CANARY_EMPTY', '')
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await rm(directory, { recursive: true })
})

describe('a reference', () => {
  test('leads to the environment or to a file, as they are at this moment', async () => {
    const file = join(directory, 'token')
    await writeFile(file, `${canary}\n`)
    expect(await resolveSecret('env:CANARY')).toBe(canary)
    expect(await resolveSecret(`file:${file}`)).toBe(canary)
    await writeFile(file, 'changed\n')
    expect(await resolveSecret(`file:${file}`)).toBe('changed')
  })

  test('that leads nowhere says where it led and never a value [I14]', async () => {
    const empty = join(directory, 'empty')
    await writeFile(empty, '\n')
    for (const ref of ['env:NOT_THERE', 'env:CANARY_EMPTY', 'file:/not/there', `file:${empty}`]) {
      const error = await resolveSecret(ref).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(SecretError)
      expect((error as Error).message).toContain(ref.slice(ref.indexOf(':') + 1))
    }
    const error = await resolveSecret(canary).catch((thrown: unknown) => thrown as Error)
    expect(String(error)).not.toContain('canary')
  })
})

describe('what a server tells back', () => {
  test('is told on without the secret, however it is written [I14]', async () => {
    const basic = new SecretsInUse(
      { type: 'basic', username: 'me', password: 'env:CANARY' },
      resolveSecret,
    )
    await basic.resolve('env:CANARY')
    const pair = Buffer.from(`me:${canary}`).toString('base64')
    const forms = [canary, encodeURIComponent(canary), 'canary+5f2e%2F%2B%26%3D', pair]
    for (const form of forms)
      expect(basic.hide(`<p>${form}</p> and ${form}`)).toBe('<p>…</p> and …')
  })

  test('is hidden in every word of an arrival, and bytes stay what they are [I14]', async () => {
    const secrets = new SecretsInUse(undefined, resolveSecret)
    await secrets.resolve('env:CANARY')
    const base = { asset: 'a', now: 0 }
    const arrivals: Arrival[] = [
      { type: 'Unchanged', ...base },
      { type: 'Refused', ...base, code: 'html_page', detail: `<p>${canary}`, sizeBytes: 1 },
      { type: 'Failed', ...base, error: { type: 'x', message: `no ${canary}` } },
      {
        type: 'Content',
        ...base,
        rawDigest: 'r',
        sizeBytes: 1,
        renditions: [],
        inspection: { contentDigest: 'c', rows: 1, facts: { name: `of ${canary}`, rows: 1 } },
        etag: `"${canary}"`,
        lastModified: canary,
        origin: { by: 'fetch', url: 'u', status: 200 },
      },
    ]
    const told = arrivals.map((arrival) => hiding(arrival, secrets.hide))
    expect(JSON.stringify(told)).not.toContain('canary')
    expect(told[3]).toMatchObject({ etag: '"…"', inspection: { facts: { name: 'of …', rows: 1 } } })
  })
})
