/**
 * Makes the TypeScript of this repository start fast, and at all where Node does not read it itself
 * (below 22.18).
 *
 * Loading hundreds of modules costs half a second where Node strips their types, and seconds and a
 * hundred megabytes through a loader hook; one bundled file costs neither. So an entry is bundled once
 * per change of what it is made of, kept in `node_modules/.headway`, and run as plain JavaScript. Only
 * our own code, `typebox` (700 tiny modules) and `commander` go into the bundle; other packages are
 * imported from where they are. Every module keeps its own `import.meta.url`, so files beside it are
 * found where they were written.
 *
 * Beside a bundle lies what it was made of: when one of those is newer, it is made again. Whoever makes
 * one takes away those whose entry is gone, as that of a throw-away folder soon is.
 */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const outdir = join(root, 'node_modules', '.headway')
/** What every bundle depends on: the packages, and how bundles are made. */
const always = ['pnpm-lock.yaml', 'streams/bundle.mjs']
const inside = /^(typebox(\/|$)|commander$)/
/** What nobody refers to may still be read by a process that began before. */
const unreferredMsMax = 24 * 3_600_000

const ours = {
  name: 'headway',
  setup({ onResolve, onLoad, resolve }) {
    onResolve({ filter: /^[^./]/ }, async ({ path, resolveDir, kind, pluginData }) => {
      if (pluginData === 'resolving' || kind === 'entry-point') return undefined
      if (path.startsWith('node:')) return { path, external: true }
      if (path.startsWith('@headway/') || inside.test(path)) return undefined
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

const noteOf = (outfile) => `${outfile}.json`
const noteIn = (outfile) => JSON.parse(readFileSync(noteOf(outfile), 'utf8'))

/** Several processes may make it at once; each puts a complete one in its place. */
const put = (file, contents, madeAt) => {
  mkdirSync(dirname(file), { recursive: true })
  const draft = `${file}.${crypto.randomUUID()}`
  writeFileSync(draft, contents)
  // As old as what was read: a change in the meantime is newer.
  utimesSync(draft, madeAt, madeAt)
  renameSync(draft, file)
}

const make = async (entry, outfile, options, plugins = []) => {
  const madeAt = new Date()
  const { build } = await import('esbuild')
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    metafile: true,
    write: false,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
    plugins: [...plugins, ours],
    ...options,
  })
  const made = Object.keys(metafile.inputs).filter((path) => !path.includes('node_modules/'))
  const parts = outputFiles.filter(({ path }) => path !== outfile)
  for (const { path, contents } of parts) put(path, contents, madeAt)
  const note = {
    entry: relative(root, entry),
    inputs: [...made, ...always],
    parts: parts.map(({ path }) => basename(path)),
  }
  put(noteOf(outfile), JSON.stringify(note), madeAt)
  // Last, because it names the others.
  put(outfile, outputFiles.find(({ path }) => path === outfile).contents, madeAt)
}

/** Bundles one entry into JavaScript; plugins come before ours and may change what is read. */
export const bundle = (entry, outfile, plugins = []) =>
  make(entry, outfile, { entryPoints: [entry], outfile, sourcemap: 'inline' }, plugins)

/**
 * A command must not load what all the others need, nor a thread what steps need that it never runs:
 * packages that one bundled file imports are loaded with it, whoever asks for them.
 */
const inParts = /^services-cli-|-thread\.mjs$|-pipeline\.mjs$/
const bundleInParts = (entry, outfile) => {
  const name = basename(outfile, '.mjs')
  return make(entry, outfile, {
    entryPoints: { [name]: entry },
    outdir: dirname(outfile),
    outExtension: { '.js': '.mjs' },
    chunkNames: `${name}-[hash]`,
    splitting: true,
    sourcemap: 'linked',
    // What commander requires is in Node itself.
    banner: {
      js: "import{createRequire as requireFrom}from'node:module';const require=requireFrom('/');",
    },
  })
}

const isFresh = (outfile) => {
  try {
    // To the millisecond: times that were set come back rounded.
    const madeAt = Math.round(statSync(outfile).mtimeMs)
    const isOlder = (path) => Math.floor(statSync(root + path).mtimeMs) <= madeAt
    return noteIn(outfile).inputs.every(isOlder)
  } catch {
    // Not made yet, or made of something that is gone.
    return false
  }
}

/** Takes away bundles whose entry is gone, and old files that belong to no bundle. */
export const sweep = (directory = outdir, now = Date.now()) => {
  const files = readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [entry.name] : [],
  )
  const referred = new Set()
  for (const name of files.filter((file) => file.endsWith('.mjs.json'))) {
    const outfile = join(directory, name.slice(0, -'.json'.length))
    try {
      const { entry, parts } = noteIn(outfile)
      const own = [basename(outfile), ...parts, name]
      if (statSync(root + entry, { throwIfNoEntry: false }))
        for (const part of own) referred.add(part)
      else for (const part of own) rmSync(join(directory, part), { force: true })
    } catch {
      // Somebody else is sweeping as well.
    }
  }
  for (const name of files) {
    const path = join(directory, name)
    const { mtimeMs = now } = statSync(path, { throwIfNoEntry: false }) ?? {}
    if (!referred.has(name) && now - mtimeMs > unreferredMsMax) rmSync(path, { force: true })
  }
}

/** The JavaScript file that stands for a TypeScript entry, made anew when what it is made of changed. */
export const bundled = async (entry) => {
  const name = relative(root, entry).replaceAll('/', '-').replace(/\.ts$/, '.mjs')
  const outfile = join(outdir, name)
  if (isFresh(outfile)) return outfile
  await (inParts.test(name) ? bundleInParts : bundle)(entry, outfile)
  sweep()
  return outfile
}
