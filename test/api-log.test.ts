import { afterAll, beforeAll, expect, test } from 'vitest'
import { ApiWorld } from './api-world.ts'

let api: ApiWorld
beforeAll(async () => {
  api = await ApiWorld.open()
  for (let i = 1; i <= 5; i++) await api.version('in/pages', i)
  await api.version('in/found', 1)
})
afterAll(async () => {
  await api.close()
})

test('the log is read in pages, newest first', async () => {
  const page = await api.call('GET', '/log?limit=2')
  const { seq } = await api.world.doors.log.head()
  expect(page.body.map((commit: { seq: number }) => commit.seq)).toEqual([seq, seq - 1])
  const next = /<([^>]+)>/.exec(String(page.headers.link))![1]!
  expect((await api.send('GET', next)).body[0].seq).toBe(seq - 2)
  expect((await api.call('GET', `/log?after=${seq - 1}`)).headers.link).toBeUndefined()
})

test('commits are found by kind, type and text, and one by its sequence', async () => {
  const versions = await api.get('/log?type=AssetVersioned&kind=asset&q=in/found')
  expect(versions).toHaveLength(1)
  expect(await api.get(`/log/${versions[0].seq}`)).toMatchObject({ name: 'in/found' })
  expect(await api.get('/log?q=nobody')).toEqual([])
  expect(await api.get('/log/999999')).toMatchObject({ code: 'unknown_commit' })
})
