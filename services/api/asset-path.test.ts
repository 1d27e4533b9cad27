import { expect, test } from 'vitest'
import { encodeAssetPath } from './asset-path.ts'

const to = (path: string) => encodeAssetPath(`/api/v1/assets${path}`).slice('/api/v1/assets'.length)

test.each([
  ['/pims/prod/schedule', '/pims%2Fprod%2Fschedule'],
  ['/pims/prod/schedule/versions', '/pims%2Fprod%2Fschedule/versions'],
  ['/pims/prod/schedule/versions/V1?x=a/b', '/pims%2Fprod%2Fschedule/versions/V1?x=a/b'],
  ['/pims/prod/schedule/versions/V1/content', '/pims%2Fprod%2Fschedule/versions/V1/content'],
  ['/pims/prod/schedule/versions/V1/difference', '/pims%2Fprod%2Fschedule/versions/V1/difference'],
  ['/pims/prod/schedule/content', '/pims%2Fprod%2Fschedule/content'],
  ['/pims/prod/schedule/fetch', '/pims%2Fprod%2Fschedule/fetch'],
  ['/pims/prod/schedule/why', '/pims%2Fprod%2Fschedule/why'],
  ['/one/content', '/one/content'],
  ['/one', '/one'],
  ['?q=a/b', '?q=a/b'],
])('a key with slashes as they are: %s', (raw, encoded) => {
  expect(to(raw)).toBe(encoded)
})

test('a first part with %2F is the whole key, so any key can be named', () => {
  for (const path of ['/odd%2Fcontent', '/odd%2fversions/versions', '/a%2Fb/c?d'])
    expect(to(path)).toBe(path)
})

test('other paths are left alone', () => {
  for (const url of ['/api/v1/runs/x/y', '/', '/api/v1/assets', '/api/v1/assetsx/a/b'])
    expect(encodeAssetPath(url)).toBe(url)
})
