/** Deliveries of every platform, in the shapes that they document, and what their signatures are worth. */
import { createHmac } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { platforms, type PlatformName } from '@headway/api/webhooks/index.ts'
import type { Headers, Platform, Push } from '@headway/api/webhooks/platform.ts'

type Sample = {
  readonly headers: Headers
  readonly payload: object
  readonly expect?: readonly Push[]
  readonly ignored?: string
}

const folder = new URL('./fixtures/webhooks/', import.meta.url)
const samples = readdirSync(folder).map((file): [string, Sample] => [
  file.replace('.json', ''),
  JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Sample,
])
const platformOf = (name: string): Platform => platforms[name.split('-')[0] as PlatformName]

describe('a delivery', () => {
  test.each(samples)('%s is read', (name, { headers, payload, ...wanted }) => {
    const told = platformOf(name).read(headers, payload)
    if (wanted.expect) expect(told).toEqual(wanted.expect)
    else expect(told).toMatchObject({ ignored: expect.stringContaining(wanted.ignored!) as string })
  })

  test('is called the same when it is sent again', () => {
    const called = samples.map(([name, { headers }]) => platformOf(name).delivery(headers))
    expect(called).not.toContain(null)
    const gitlab = { 'idempotency-key': 'one', 'x-gitlab-event-uuid': 'shared by hooks' }
    expect(platforms.gitlab.delivery(gitlab)).toBe('one')
  })

  const push = (change: object): object => ({
    ref: 'refs/heads/main',
    after: 'a'.repeat(40),
    repository: { full_name: 'acme/shop' },
    ...change,
  })
  test.each<[string, object]>([
    ['a repository that climbs', { repository: { full_name: '../../etc' } }],
    ['a repository that is an option', { repository: { full_name: 'acme/--upload-pack=x' } }],
    ['a repository with a scheme', { repository: { full_name: 'file:///etc/passwd' } }],
    ['a repository of one part', { repository: { full_name: 'shop' } }],
    ['a commit that is a name', { after: 'main' }],
    ['a commit that is short', { after: 'abc1234' }],
    ['a ref with a range', { ref: 'refs/heads/a..b' }],
    ['a ref with a line break', { ref: 'refs/heads/a\n' }],
    ['a repository that is a number', { repository: { full_name: 7 } }],
    ['no repository', { repository: null }],
  ])('with %s is none', (_, change) => {
    const headers = { 'x-github-event': 'push' }
    expect(platforms.github.read(headers, push({}))).toHaveLength(1)
    expect(platforms.github.read(headers, push(change))).toBeNull()
  })
})

const body = Buffer.from('{"ref":"refs/heads/main", "odd":  "bytes é"}')
const hex = (key: string, bytes: Buffer = body) =>
  createHmac('sha256', key).update(bytes).digest('hex')
const now = Date.UTC(2026, 10, 21, 12)
const secret = Buffer.from('a key of thirty-two random bytes')
const whsec = `whsec_${secret.toString('base64')}`
const standard = (key: Buffer, atS = now / 1_000) => ({
  'webhook-id': 'id-1',
  'webhook-timestamp': String(atS),
  'webhook-signature': `v1,${createHmac('sha256', key).update(`id-1.${atS}.`).update(body).digest('base64')}`,
})

describe('a signature', () => {
  const good: readonly [PlatformName, Headers][] = [
    ['github', { 'x-hub-signature-256': `sha256=${hex('new')}` }],
    ['gitea', { 'x-gitea-signature': hex('new') }],
    ['bitbucket', { 'x-hub-signature': `sha256=${hex('new')}` }],
    ['gitlab', { 'x-gitlab-token': 'new' }],
  ]
  test.each(good)('of %s counts by either of two keys', (name, headers) => {
    const signed = (keys: readonly string[]) => platforms[name].signed(headers, body, keys, now)
    expect(signed(['new', 'old'])).toBe(true)
    expect(signed(['old', 'new'])).toBe(true)
    expect(signed(['old', 'older'])).toBe(false)
    expect(signed([])).toBe(false)
    expect(platforms[name].signed({}, body, ['new'], now)).toBe(false)
  })

  test.each(good.filter(([name]) => name !== 'gitlab'))(
    'of %s is of the raw bytes, and an empty key signs nothing',
    (name, headers) => {
      const again = Buffer.from(JSON.stringify(JSON.parse(body.toString())))
      expect(platforms[name].signed(headers, again, ['new'], now)).toBe(false)
      const header = Object.keys(headers)[0]!
      const empty = { [header]: headers[header]!.replace(/[0-9a-f]{64}/, hex('')) }
      expect(platforms[name].signed(empty, body, [''], now)).toBe(false)
    },
  )

  test('of GitHub needs its prefix, SHA-1 is none', () => {
    const signed = (value: string) =>
      platforms.github.signed({ 'x-hub-signature-256': value }, body, ['new'], now)
    expect(signed(hex('new'))).toBe(false)
    const sha1 = createHmac('sha1', 'new').update(body).digest('hex')
    expect(signed(`sha1=${sha1}`)).toBe(false)
  })

  test('of GitLab in its newer form has a time, and then the token alone is nothing', () => {
    const signed = (headers: Headers, keys = [whsec]) =>
      platforms.gitlab.signed(headers, body, keys, now)
    expect(signed(standard(secret))).toBe(true)
    expect(signed(standard(secret), ['other', whsec])).toBe(true)
    expect(signed(standard(Buffer.from('other')))).toBe(false)
    expect(signed(standard(secret, now / 1_000 - 600))).toBe(false)
    expect(signed({ ...standard(Buffer.from('other')), 'x-gitlab-token': whsec })).toBe(false)
    const several = standard(secret)['webhook-signature']
    expect(signed({ ...standard(secret), 'webhook-signature': `v1,AAAA ${several}` })).toBe(true)
  })
})
