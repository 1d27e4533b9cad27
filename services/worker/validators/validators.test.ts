import { expect, test } from 'vitest'
import { problemsIn } from './cue.ts'
import { validateJsonSchema } from './json-schema.ts'
import { ValidatorError } from './validator.ts'

test('a regular expression that never ends is an error in time, never a pass', async () => {
  const files = { 'a.json': JSON.stringify({ properties: { a: { pattern: '^(a+)+$' } } }) }
  const subject = { value: { a: `${'a'.repeat(50)}!` }, isSecret: () => false }
  const { signal } = new AbortController()
  const error = await validateJsonSchema(subject, 'a.json', files, signal, 5_000).catch(
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ValidatorError)
  expect(error).toMatchObject({ retryable: true, message: 'it took longer than 5000 ms' })
}, 60_000)

test('what CUE says is told with the way to the value', () => {
  const said = 'db."a.b".port: invalid value 80 (out of bound >100):\n    ./schema.cue:1:24\n'
  expect(problemsIn(said, '#Config')).toEqual([
    { path: ['db', 'a.b', 'port'], message: 'invalid value 80 (out of bound >100)' },
  ])
})
