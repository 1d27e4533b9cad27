import { describe, expect, test } from 'vitest'
import { mintToken, parseResumeKeys, verifyToken, type ResumeClaim } from './resume-token.ts'

const [newer, older] = parseResumeKeys('k2:another-long-secret, k1:a-rather-long-secret') as [
  { name: string; secret: string },
  { name: string; secret: string },
]
const now = Date.parse('2026-11-21T08:00:00.000Z')
const claim: ResumeClaim = {
  tenant: 'default',
  pipeline: 'p',
  run: '01JAAAAAAAAAAAAAAAAAAAAAAA',
  interaction: '01JBBBBBBBBBBBBBBBBBBBBBBB',
  deadline: '2026-11-21T09:00:00.000Z',
}
const hour = 3_600_000

describe('a resume token', () => {
  test('allows what it says until the deadline and not at it', () => {
    const token = mintToken(newer, claim)
    expect(token).toMatch(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$/)
    expect(verifyToken([newer], token, now)).toEqual({ claim })
    expect(verifyToken([newer], token, now + hour - 1)).toEqual({ claim })
    expect(verifyToken([newer], token, now + hour)).toEqual({ problem: 'expired' })
    const never = mintToken(newer, { ...claim, deadline: 'whenever' })
    expect(verifyToken([newer], never, now)).toEqual({ problem: 'expired' })
  })

  test('is worth nothing when a letter of it is another', () => {
    const token = mintToken(newer, claim)
    const dot = token.indexOf('.')
    for (let i = 0; i < token.length; i++) {
      const changed = token.slice(0, i) + (token[i] === 'A' ? 'B' : 'A') + token.slice(i + 1)
      // The last letter of a MAC has two bits that say nothing.
      if (i === token.length - 1 && sameMac(changed, token)) continue
      expect(verifyToken([newer, older], changed, now), `letter ${i} of ${dot}`).not.toHaveProperty(
        'claim',
      )
    }
  })

  test('cannot be lengthened, shortened or told about somebody else', () => {
    const [body, mac] = mintToken(newer, claim).split('.') as [string, string]
    const other = { key: newer.name, ...claim, interaction: claim.run }
    const forged = Buffer.from(JSON.stringify(other)).toString('base64url')
    expect(verifyToken([newer], `${forged}.${mac}`, now)).toEqual({ problem: 'bad_signature' })
    for (const token of ['', '.', 'a.b', body, `${body}.`, `${body}.${mac}.x`, `${body}.${mac}a`])
      expect(verifyToken([newer], token, now), token).toEqual({ problem: 'malformed' })
    const huge = `${'a'.repeat(3_000)}.${mac}`
    expect(verifyToken([newer], huge, now)).toEqual({ problem: 'malformed' })
    const partial = Buffer.from('{"key":"k2"}').toString('base64url')
    expect(verifyToken([newer], `${partial}.${mac}`, now)).toEqual({ problem: 'malformed' })
  })

  test('lives as long as its key does', () => {
    const token = mintToken(older, claim)
    expect(verifyToken([newer, older], token, now)).toEqual({ claim })
    expect(verifyToken([newer], token, now)).toEqual({ problem: 'unknown_key' })
    expect(verifyToken([{ ...older, secret: newer.secret }], token, now)).toEqual({
      problem: 'bad_signature',
    })
    expect(verifyToken([], token, now)).toEqual({ problem: 'unknown_key' })
  })
})

const sameMac = (a: string, b: string): boolean => {
  const [x, y] = [a, b].map((token) => Buffer.from(token.split('.')[1]!, 'base64url'))
  return x!.equals(y!)
}

test('keys that are none stop the room, and are not told', () => {
  expect(parseResumeKeys('')).toEqual([])
  for (const text of ['nonsense', ':secret-without-a-name', 'k1:', 'k 1:a-rather-long-secret'])
    expect(() => parseResumeKeys(text), text).toThrow('name:secret')
  expect(() => parseResumeKeys('k1:hunter2')).toThrow(/k1 is shorter than 16(?!.*hunter2)/)
})
