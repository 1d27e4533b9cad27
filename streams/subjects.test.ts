import { expect, test } from 'vitest'
import { encodeToken, filterOf, parseSubject, queueConsumer, subjectOf } from './subjects.ts'

test('a subject reads like a sentence and is read back as it was meant', () => {
  const topic = { kind: 'asset' as const, name: 'output/st-realtime-production/feed.pb' }
  const subject = subjectOf('default', topic)
  expect(subject).toBe('headway.default.asset.output.st-realtime-production.feed%2Epb')
  expect(parseSubject(subject)).toEqual({ tenant: 'default', topic })
})

test('no name can climb out of its token', () => {
  for (const name of ['a.b', '*', '>', 'a b', 'a\r\nb', 'é', '%2E', 'a*>']) {
    const token = encodeToken(name)
    expect(token).toMatch(/^[A-Za-z0-9_%-]+$/)
    expect(decodeURIComponent(token)).toBe(name)
  }
  expect(() => encodeToken('')).toThrow('empty')
})

test('a subject that somebody else wrote is read without falling over [I17]', () => {
  expect(parseSubject('headway.default.asset.%ZZ').topic.name).toBe('%ZZ')
})

test('a filter stays in its tenant, a queue in its version [I15]', () => {
  expect(filterOf('asset', 'st')).toBe('headway.st.asset.>')
  expect(filterOf('asset')).toBe('headway.*.asset.>')
  const run = { kind: 'run' as const, pipeline: 'p', version: 'abcdefabcdef', concurrency: 1 }
  expect(queueConsumer({ ...run, tenant: 'default' }).name).toBe('p__abcdefabcdef')
  expect(queueConsumer({ ...run, tenant: 'st' })).toEqual({
    name: 'st__p__abcdefabcdef',
    filter: 'headway.st.command.run.p.abcdefabcdef',
  })
})
