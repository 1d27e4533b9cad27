import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { builtConsole } from '@headway/api/console.ts'
import { ApiWorld } from '../api-world.ts'

const scriptBytesMax = 150_000

test('the first script is small: at most 150 kB gzip', async () => {
  const folder = join(await builtConsole(), 'console')
  const scripts = readdirSync(folder).filter((name) => name.endsWith('.js.gz'))
  const bytes = scripts.reduce((sum, name) => sum + readFileSync(join(folder, name)).length, 0)
  expect(scripts.length).toBeGreaterThan(0)
  expect(bytes).toBeLessThan(scriptBytesMax)
})

describe('the console at the address of the API', () => {
  let api: ApiWorld
  beforeAll(async () => {
    api = await ApiWorld.open()
  })
  afterAll(async () => {
    await api.close()
  })
  const ask = (url: string, headers: Record<string, string> = {}) =>
    api.app.inject({ method: 'GET', url, headers })
  const page = { accept: 'text/html' }

  test('every path of a person is the page; paths of programs stay the API', async () => {
    for (const url of ['/', '/runs/x', '/assets/a/b/c', '/nope'])
      expect((await ask(url, page)).body).toContain('<div id="root">')
    expect((await ask('/nope')).json()).toMatchObject({ status: 404 })
    expect((await ask('/api/v1/nope', page)).statusCode).not.toBe(200)
  })

  test('nothing inline: the policy allows scripts and styles of this address only', async () => {
    const { headers, body } = await ask('/', page)
    expect(headers['content-security-policy']).toContain("script-src 'self'; style-src 'self'")
    expect(body).not.toMatch(/<script(?![^>]*src=)|style=|<style|onload=/)
  })

  test('files are kept for good under their digest and come compressed, the page is not', async () => {
    const { body, headers } = await ask('/', page)
    expect(headers['cache-control']).toBe('no-cache')
    const again = await ask('/', { ...page, 'if-none-match': String(headers.etag) })
    expect(again.statusCode).toBe(304)
    const script = /src="(\/console\/[^"]+\.js)"/.exec(body)![1]!
    const file = await ask(script, { 'accept-encoding': 'gzip, br' })
    expect(file.headers).toMatchObject({
      'content-encoding': 'br',
      'cache-control': 'public, max-age=31536000, immutable',
    })
    expect((await ask('/console/..%2findex.html')).statusCode).toBe(404)
  })
})
