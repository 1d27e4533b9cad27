/** The http sink against a service of somebody's own. */
import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { conforms, removing, setting, strange } from './conformance.ts'
import { closedPort } from './free-port.ts'
import { startHttpService, type HttpService } from './http-service.ts'
import { never, openSink, place } from './sink-under-test.ts'

const bearerToken = 'right-token'
let service: HttpService
beforeAll(async () => {
  service = await startHttpService(bearerToken)
})
afterAll(() => service?.stop())

const keysOf = (where: string, origin = service.url) => ({
  layout: 'keys',
  url: `${origin}/keys/${where}/{key}?source=headway`,
  readUrl: `${origin}/all/${where}`,
  bearerToken,
})
const documentOf = (where: string, origin = service.url) => ({
  layout: 'document',
  url: `${origin}/document/${where}`,
  bearerToken,
})
const gone = () => `http://127.0.0.1:${closedPort}`

conforms('http, a request per key,', {
  type: 'http',
  options: keysOf,
  strangeKeys: strange.filter((key) => !/^\.+$/.test(key)),
  forbiddenKeys: { keys: ['.', '..', ''], error: /cannot be a part of an address/ },
  unreachable: () => keysOf('a', gone()),
  refused: () => ({
    options: { ...keysOf('a'), bearerToken: 'wrong-token' },
    secrets: ['wrong-token'],
  }),
})

conforms('http, a document,', {
  type: 'http',
  options: documentOf,
  unreachable: () => documentOf('a', gone()),
  refused: () => ({
    options: { ...documentOf('a'), bearerToken: 'wrong-token' },
    secrets: ['wrong-token'],
  }),
  foreign: {
    put: async (where) => {
      const sink = await openSink('http', documentOf(where))
      await sink.write(setting([['theirs', '{"kept":true}']]), place, never)
    },
    look: async (where) => (await openSink('http', documentOf(where))).read('all', never),
  },
})

conforms('http, a document by merge patch,', {
  type: 'http',
  options: (where) => ({ ...documentOf(where), method: 'PATCH' }),
  // A merge patch has no null of its own.
  without: (value) => value === null,
})

describe('what goes with a request', () => {
  const last = () => service.requests.at(-1)!

  test('labels, a signature, and a key that tells a repetition from a new change', async () => {
    const sink = await openSink('http', { ...keysOf('signed'), signingKey: 'shared' })
    const write = (value: string, now = place.now) =>
      sink.write(setting([['a b', value]]), { ...place, now }, never)
    await write('1')
    const { method, path, headers, body } = last()
    expect([method, path, body]).toEqual(['PUT', '/keys/signed/a%20b?source=headway', '1'])
    const once = String(headers['idempotency-key'])
    const said = ['PUT', '/keys/signed/a%20b', once, '1'].join('\n')
    expect(headers).toMatchObject({
      'headway-rule': 'shop',
      'headway-repository': 'acme%2Fshop',
      'headway-signature': `sha256=${createHmac('sha256', 'shared').update(said).digest('hex')}`,
    })
    await write('1')
    expect(last().headers['idempotency-key']).toBe(once)
    await write('2')
    expect(last().headers['idempotency-key']).not.toBe(once)
    await write('1', '2026-11-22T00:00:00.000Z')
    expect(last().headers['idempotency-key']).not.toBe(once)
  })

  test('too busy is waited for, broken is worth another attempt, a refusal is not', async () => {
    const sink = await openSink('http', keysOf('busy'))
    const write = () => sink.write(setting([['a', '1']]), place, never)
    service.busy.push({ status: 429, headers: { 'retry-after': '0' } })
    await write()
    expect(await sink.read(['a'], never)).toEqual(new Map([['a', '1']]))
    for (const [status, retryable] of [
      [500, true],
      [502, true],
      [408, true],
      [400, false],
      [422, false],
    ] as const) {
      service.busy.push({ status, headers: {} })
      await expect(write()).rejects.toMatchObject({ retryable })
    }
  })

  test('a target that cannot be read is confirmed by its answer, and says so', async () => {
    const sink = await openSink('http', { ...keysOf('blind'), readable: false })
    expect(sink.confirmedBy).toBe('answer')
    const before = service.requests.length
    await sink.write(setting([['a', '1']]), place, never)
    await sink.write(removing('a', 'b'), place, never)
    const asked = service.requests.slice(before).map(({ method }) => method)
    expect(asked.toSorted()).toEqual(['DELETE', 'DELETE', 'PUT'])
    await expect(sink.read(['a'], never)).rejects.toMatchObject({ retryable: false })
    const whole = openSink('http', { ...documentOf('blind'), readable: false })
    await expect(whole).rejects.toMatchObject({ retryable: false })
  })

  test('an address with a password in it, or keys without their place, is refused', async () => {
    const options = { ...keysOf('a'), url: `${service.url}/keys/a` }
    await expect(openSink('http', options)).rejects.toThrow('{key}')
  })
})
