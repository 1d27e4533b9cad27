/**
 * Makes the TypeScript of this repository run fast where Node does not read it itself (below 22.18).
 *
 * Loading hundreds of modules through a loader hook costs seconds and a hundred megabytes; one bundled
 * file costs neither. So an entry is bundled once per change of the sources, kept in
 * `node_modules/.headway`, and run as plain JavaScript. Only our own code and `typebox` (700 tiny
 * modules) go into the bundle; other packages are imported from where they are. Every module keeps its
 * own `import.meta.url`, so files beside it are found where they were written.
 */
import { randomUUID } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const outdir = join(root, 'node_modules', '.headway')
const tops = ['schemas', 'streams', 'services', 'deploy']

const newestIn = (directory) => {
  let newest = 0
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name.startsWith('.')) continue
    const path = join(directory, entry.name)
    if (entry.isDirectory()) newest = Math.max(newest, newestIn(path))
    else if (/\.m?ts$/.test(entry.name)) newest = Math.max(newest, statSync(path).mtimeMs)
  }
  return newest
}

const ours = {
  name: 'headway',
  setup({ onResolve, onLoad, resolve }) {
    onResolve({ filter: /^[^./]/ }, async ({ path, resolveDir, kind, pluginData }) => {
      if (pluginData === 'resolving' || kind === 'entry-point') return undefined
      if (path.startsWith('node:')) return { path, external: true }
      if (path.startsWith('@headway/') || /^typebox(\/|$)/.test(path)) return undefined
      const found = await resolve(path, { resolveDir, kind, pluginData: 'resolving' })
      if (found.errors.length > 0 || found.external) return { path, external: true }
      return { path: pathToFileURL(found.path).href, external: true }
    })
    onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll(
        'import.meta.url',
        JSON.stringify(pathToFileURL(path).href),
      ),
      loader: 'ts',
    }))
  },
}

/** Bundles one entry into JavaScript; plugins come before ours and may change what is read. */
export const bundle = async (entry, outfile, plugins = []) => {
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    entryPoints: [entry],
    outfile,
    write: false,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'error',
    plugins: [...plugins, ours],
  })
  put(outfile, outputFiles[0].contents)
}

/** Several processes may make it at once; each puts a complete one in its place. */
const put = (file, contents) => {
  mkdirSync(dirname(file), { recursive: true })
  const draft = `${file}.${randomUUID()}`
  writeFileSync(draft, contents)
  renameSync(draft, file)
}

/** In parts, each loaded when it is asked for: a command must not load what all the others need. */
const bundleInParts = async (entry, outfile) => {
  const { build } = await import('esbuild')
  const name = basename(outfile, '.mjs')
  const { outputFiles } = await build({
    entryPoints: { [name]: entry },
    outdir: dirname(outfile),
    outExtension: { '.js': '.mjs' },
    chunkNames: `${name}-[hash]`,
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
    plugins: [ours],
  })
  const parts = outputFiles.filter(({ path }) => path !== outfile)
  for (const { path, contents } of parts) put(path, contents)
  // Last, because it names the others.
  put(outfile, outputFiles.find(({ path }) => path === outfile).contents)
}

/** The JavaScript file that stands for a TypeScript entry, made anew when any source is newer. */
export const bundled = async (entry) => {
  const name = relative(root, entry).replaceAll('/', '-').replace(/\.ts$/, '.mjs')
  const outfile = join(outdir, name)
  const newest = Math.max(...tops.map((top) => newestIn(join(root, top))))
  if (existsSync(outfile) && statSync(outfile).mtimeMs >= newest) return outfile
  if (name.startsWith('services-cli-')) await bundleInParts(entry, outfile)
  else await bundle(entry, outfile)
  return outfile
}
