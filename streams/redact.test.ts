import { expect, test } from 'vitest'
import { redacted } from './redact.ts'

test('no secret gets into a log line, by name or by look [I14]', () => {
  const secret = 'c4n4ry'.repeat(8)
  const token = `hw_abcdefghjkmn_${secret.slice(0, 43)}`
  const fields = {
    authorization: secret,
    headers: { Cookie: secret, accept: '*/*', 'X-Api-Key': secret },
    nested: [{ clientSecret: secret, password: secret }],
    url: `https://ann:${secret}@example.org/feed?key=${secret}&route=7`,
    error: new Error(`refused: Bearer ${secret} and ${token}`),
    text: `eyJhbGciOiJIUzI1NiJ9.${secret}.${secret}`,
    count: 3,
    nothing: null,
  }
  const text = JSON.stringify(redacted(fields))
  expect(text).not.toContain('c4n4ry')
  expect(text).toContain('example.org/feed')
  expect(text).toContain('route=7')
  expect(redacted(fields)).toMatchObject({ count: 3, nothing: null, headers: { accept: '*/*' } })
})
