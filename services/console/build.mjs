/**
 * Builds the console into the folder that is named, complete or not at all, with compressed forms beside
 * each file. Run by the API when there is none for the present sources.
 */
import { randomUUID } from 'node:crypto'
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { build } from 'vite'

const directory = process.argv[2]
if (!directory) throw new Error('build.mjs DIRECTORY')
// Another value would bring React's development code along.
process.env.NODE_ENV = 'production'
const draft = `${directory}.${randomUUID()}`

await build({
  root: fileURLToPath(new URL('.', import.meta.url)),
  configFile: false,
  logLevel: 'error',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic' } },
  build: {
    outDir: draft,
    assetsDir: 'console',
    assetsInlineLimit: 0,
    target: 'es2023',
    cssTarget: 'chrome123',
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
})

const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }
for (const name of [
  'index.html',
  ...readdirSync(join(draft, 'console')).map((file) => `console/${file}`),
]) {
  const path = join(draft, name)
  const bytes = readFileSync(path)
  writeFileSync(`${path}.br`, brotliCompressSync(bytes, quality))
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }))
}
// Two may build at once; the first complete one stands.
if (existsSync(directory)) rmSync(draft, { recursive: true })
else renameSync(draft, directory)

// What was built of older sources is of no use to anybody after a day.
const dayMs = 86_400_000
for (const name of readdirSync(dirname(directory))) {
  const path = join(dirname(directory), name)
  if (!name.startsWith('console-') || path === directory) continue
  if (Date.now() - statSync(path).mtimeMs > dayMs) rmSync(path, { recursive: true })
}
