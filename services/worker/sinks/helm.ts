/**
 * A place in a Helm values file, and the release that is made of it.
 *
 * The file is read, changed below `at` and put in place by rename, so that nobody ever sees half of it;
 * comments, order and everything outside of `at` stay (a comment behind a map's name moves below it).
 * Keys become nested maps at their dots, as charts expect (`keys: nested`), or stay whole (`keys: flat`).
 *
 * With `upgrade`, `helm upgrade --install` follows, unless the release already runs on these values: an
 * attempt that died between file and release is made good by the next. Helm is asked, not guessed: without
 * the program the sink fails before it writes.
 */
import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isDeepStrictEqual, promisify } from 'node:util'
import type { Document } from 'yaml'
import type { Plain } from '@headway/schemas/rules/value.ts'
import { Type } from '../options.ts'
import { changeFile, contentOf } from './change-file.ts'
import { SinkError, type Sink, type SinkType } from './sink.ts'

const upgrade = Type.Object({
  release: Type.String({ pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$' }),
  chart: Type.String({ pattern: '^[^-]' }),
  version: Type.Optional(Type.String({ pattern: '^[^-]' })),
  namespace: Type.Optional(Type.String({ pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' })),
  createNamespace: Type.Optional(Type.Boolean()),
  kubeconfig: Type.Optional(Type.String()),
  context: Type.Optional(Type.String()),
  /** Roll back when it does not come up. */
  atomic: Type.Optional(Type.Boolean()),
  wait: Type.Optional(Type.Boolean()),
  historyMax: Type.Optional(Type.Integer({ minimum: 1 })),
  timeoutMs: Type.Optional(Type.Integer({ minimum: 1_000 })),
  program: Type.Optional(Type.String()),
})

const options = Type.Object({
  file: Type.String(),
  /** Where in the file, as a path of dots; the whole file when left out. */
  at: Type.Optional(Type.String()),
  keys: Type.Optional(Type.Enum(['nested', 'flat'])),
  upgrade: Type.Optional(upgrade),
})

type Upgrade = NonNullable<Parameters<(typeof helm)['open']>[0]['upgrade']>
type Path = readonly string[]

export const helm: SinkType<typeof options> = {
  type: 'helm',
  options,
  open: async (given) => {
    const at = given.at === undefined ? [] : given.at.split('.')
    const pathOf = (key: string) => [...at, ...(given.keys === 'flat' ? [key] : key.split('.'))]
    return {
      render: (value) => JSON.stringify(value),
      async read(keys, signal) {
        signal.throwIfAborted()
        const content = await orSinkError(given.file, () => contentOf(given.file))
        const document = await parsed(given.file, content ?? '')
        const all = new Map<string, string>()
        for (const [key, value] of entriesOf(plainAt(document, at), given.keys !== 'flat')) {
          all.set(key, JSON.stringify(value))
        }
        if (keys === 'all') return all
        return new Map(keys.flatMap((key) => (all.has(key) ? [[key, all.get(key)!]] : [])))
      },
      async write(changes, _place, signal) {
        signal.throwIfAborted()
        if (given.upgrade) await insistOnHelm(given.upgrade, signal)
        await mkdir(dirname(given.file), { recursive: true })
        let values: unknown
        const change = async (content: string | null): Promise<string> => {
          const document = await parsed(given.file, content ?? '')
          for (const key of changes.delete) remove(document, pathOf(key), at.length)
          for (const [key, stored] of changes.set) {
            set(document, pathOf(key), JSON.parse(stored) as Plain, key)
          }
          values = document.toJS()
          return String(document)
        }
        await orSinkError(given.file, () => changeFile(given.file, change, signal))
        if (given.upgrade) await release(given.upgrade, given.file, values, signal)
      },
      close: async () => {},
    } satisfies Sink
  },
}

const orSinkError = async <T>(file: string, act: () => Promise<T>): Promise<T> => {
  try {
    return await act()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined || !/^E[A-Z]+$/.test(code)) throw error
    throw new SinkError(`helm: ${file}: ${code}`, { retryable: curable.has(code) })
  }
}
const curable = new Set([
  'EAGAIN',
  'EBUSY',
  'EDQUOT',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ENOSPC',
  'ESTALE',
])

const parsed = async (file: string, text: string): Promise<Document> => {
  const { parseDocument } = await import('yaml')
  // Helm reads YAML 1.1, where `on` and `yes` are no strings: such strings are quoted.
  const document = parseDocument(text, { compat: 'yaml-1.1' })
  const [problem] = document.errors
  if (problem) {
    const { line = 0, col = 0 } = problem.linePos?.[0] ?? {}
    throw new SinkError(`helm: ${file}:${line}:${col}: ${problem.code}; the file is left alone`, {
      retryable: false,
    })
  }
  return document
}

const plainAt = (document: Document, at: Path): unknown => {
  const content: unknown = at.reduce<unknown>(
    (value, part) => (isMap(value) ? value[part] : undefined),
    document.toJS(),
  )
  return content ?? {}
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Lists and empty maps are values; a map with something in it is a folder, when keys are nested. */
function* entriesOf(
  content: unknown,
  isNested: boolean,
  prefix = '',
): Generator<[string, unknown]> {
  if (!isMap(content)) return
  for (const [name, value] of Object.entries(content)) {
    const key = prefix + name
    const isFolder = isNested && isMap(value) && Object.keys(value).length > 0
    if (isFolder) yield* entriesOf(value, isNested, `${key}.`)
    else yield [key, value]
  }
}

const set = (document: Document, path: Path, value: Plain, key: string): void => {
  for (let depth = 0; depth < path.length; depth++) {
    const parent = path.slice(0, depth)
    const node: unknown = depth === 0 ? document.contents : document.getIn(parent)
    if (node === undefined || isYamlMap(node)) continue
    // A name without anything after it is an empty map, as charts write it.
    if (node === null) {
      if (depth > 0) document.setIn(parent, document.createNode({}))
      continue
    }
    const where = parent.join('.') || 'the whole file'
    throw new SinkError(`helm: ${where} is a value, so ${key} has no place in it`, {
      retryable: false,
    })
  }
  document.setIn(path, document.createNode(value))
}

const isYamlMap = (node: unknown): boolean =>
  typeof node === 'object' && node !== null && 'items' in node && 'set' in node

/** With the key go the maps above it that it leaves empty, but never the place itself. */
const remove = (document: Document, path: Path, depthMin: number): void => {
  if (!document.hasIn(path)) return
  document.deleteIn(path)
  const parent = path.slice(0, -1)
  const left: unknown = document.getIn(parent)
  const isEmpty = isYamlMap(left) && (left as { items: readonly unknown[] }).items.length === 0
  if (parent.length > depthMin && isEmpty) remove(document, parent, depthMin)
}

const run = promisify(execFile)

const helmWith = async (
  { program = 'helm', kubeconfig, context, namespace, timeoutMs = 300_000 }: Upgrade,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> => {
  const all = [
    ...args,
    ...(kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig]),
    ...(context === undefined ? [] : ['--kube-context', context]),
    ...(namespace === undefined ? [] : ['--namespace', namespace]),
  ]
  try {
    const { stdout } = await run(program, all, { signal, timeout: timeoutMs, maxBuffer: 32 << 20 })
    return stdout
  } catch (error) {
    signal.throwIfAborted()
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string }
    if (code === 'ENOENT') {
      throw new SinkError(`helm: there is no program ${program} here`, { retryable: false })
    }
    const why = reasons.find(([pattern]) => pattern.test(stderr))
    throw new SinkError(
      `helm: ${args[0]} ${args[1] ?? ''}: ${why?.[1] ?? `exit ${String(code)}`}`,
      {
        retryable: why?.[2] ?? true,
      },
    )
  }
}

/** Helm's own words may quote values, so they are only looked through. */
const reasons: readonly (readonly [RegExp, string, boolean])[] = [
  [/unreachable|connection refused|timed out|deadline/i, 'the cluster cannot be reached', true],
  [/another operation .* is in progress/i, 'another operation is in progress', true],
  [/unauthorized|forbidden|credentials/i, 'the credentials were refused', false],
  [/release: not found/i, 'release not found', false],
  [/namespaces? .* not found/i, 'the namespace does not exist', false],
  [/chart.*not found|failed to download|no such file/i, 'the chart cannot be found', false],
  [/parse error|template:|YAML parse/i, 'the chart does not render with these values', false],
]

const insistOnHelm = (upgrade: Upgrade, signal: AbortSignal): Promise<string> =>
  helmWith({ program: upgrade.program ?? 'helm', release: '', chart: '' }, ['version'], signal)

const release = async (
  upgrade: Upgrade,
  file: string,
  values: unknown,
  signal: AbortSignal,
): Promise<void> => {
  if (await runsOn(upgrade, values ?? {}, signal)) return
  const { version, createNamespace, atomic, wait, historyMax, timeoutMs } = upgrade
  const args = [
    ['upgrade', upgrade.release, upgrade.chart, '--install', '--values', file],
    version === undefined ? [] : ['--version', version],
    createNamespace ? ['--create-namespace'] : [],
    atomic ? ['--atomic'] : [],
    wait ? ['--wait'] : [],
    historyMax === undefined ? [] : ['--history-max', String(historyMax)],
    timeoutMs === undefined ? [] : ['--timeout', `${Math.ceil(timeoutMs / 1_000)}s`],
  ]
  await helmWith(upgrade, args.flat(), signal)
}

/** Is the latest revision deployed, and with these values? */
const runsOn = async (upgrade: Upgrade, values: unknown, signal: AbortSignal): Promise<boolean> => {
  const ask = async (...args: string[]): Promise<unknown> =>
    JSON.parse(await helmWith(upgrade, [...args, upgrade.release, '--output', 'json'], signal))
  try {
    const status = (await ask('status')) as { info?: { status?: string } }
    if (status.info?.status !== 'deployed') return false
    return isDeepStrictEqual((await ask('get', 'values')) ?? {}, values)
  } catch (error) {
    if (error instanceof SinkError && error.message.endsWith('release not found')) return false
    throw error
  }
}
