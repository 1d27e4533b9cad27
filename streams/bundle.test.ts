/** Bundles are made again when what they are made of changes, and go when their entry is gone. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

type Bundler = { bundled(entry: string): Promise<string>; sweep(directory: string): void }

let clone: string
let bundler: Bundler
const place = (path: string) => join(clone, path)
const write = (path: string, text: string) => {
  mkdirSync(dirname(place(path)), { recursive: true })
  writeFileSync(place(path), text)
}
const kept = () => readdirSync(place('node_modules/.headway')).toSorted((a, b) => (a < b ? -1 : 1))
const old = new Date(Date.now() - 48 * 3_600_000)

beforeEach(async () => {
  clone = mkdtempSync(join(tmpdir(), 'headway-bundle-'))
  write('package.json', '{"type":"module"}')
  write('pnpm-lock.yaml', '')
  write('streams/bundle.mjs', '')
  const here = new URL('bundle.mjs', import.meta.url)
  copyFileSync(here, place('streams/bundle.mjs'))
  mkdirSync(place('node_modules'), { recursive: true })
  const esbuild = createRequire(here).resolve('esbuild/package.json')
  symlinkSync(dirname(esbuild), place('node_modules/esbuild'))
  bundler = (await import(pathToFileURL(place('streams/bundle.mjs')).href)) as Bundler
})
afterEach(() => rmSync(clone, { recursive: true }))

test('a bundle is made again when something in it changes, and only then', async () => {
  write(
    'services/room/main.ts',
    `import { word } from './word.ts'\nexport const said: string = word`,
  )
  write('services/room/word.ts', `export const word = 'first'`)
  const made = await bundler.bundled(place('services/room/main.ts'))
  expect(await import(`${pathToFileURL(made).href}?1`)).toMatchObject({ said: 'first' })
  const { ino } = statSync(made)
  write('services/room/other.ts', 'export {}')
  await bundler.bundled(place('services/room/main.ts'))
  expect(statSync(made).ino).toBe(ino)
  write('services/room/word.ts', `export const word = 'second'`)
  const later = new Date(Date.now() + 5)
  utimesSync(place('services/room/word.ts'), later, later)
  await bundler.bundled(place('services/room/main.ts'))
  expect(await import(`${pathToFileURL(made).href}?2`)).toMatchObject({ said: 'second' })
})

test('bundles of folders that are gone go with the next one that is made', async () => {
  write('services/room/main.ts', 'export {}')
  write('throw-away/pipeline.ts', `export const step = () => import('./step.ts')`)
  write('throw-away/step.ts', `export const name = 'a'`)
  const gone = await bundler.bundled(place('throw-away/pipeline.ts'))
  rmSync(place('throw-away'), { recursive: true })
  await bundler.bundled(place('services/room/main.ts'))
  expect(existsSync(gone)).toBe(false)
  expect(kept()).toEqual(['services-room-main.mjs', 'services-room-main.mjs.json'])
})

test('parts stay as long as somebody refers to them, others for a day', async () => {
  write('services/cli/main.ts', `await import('./one.ts')`)
  write('services/cli/one.ts', `process.stdout.write('')`)
  await bundler.bundled(place('services/cli/main.ts'))
  const parts = kept()
  expect(parts.filter((name) => /^services-cli-main-\w+\.mjs$/.test(name))).toHaveLength(1)
  for (const name of parts) utimesSync(place(`node_modules/.headway/${name}`), old, old)
  for (const name of ['old.mjs', 'young.mjs']) write(`node_modules/.headway/${name}`, '')
  utimesSync(place('node_modules/.headway/old.mjs'), old, old)
  bundler.sweep(place('node_modules/.headway'))
  expect(kept()).toEqual([...parts, 'young.mjs'])
})
