/**
 * The one YAML file, `headway.yaml`, to definitions. The system runs on the log and not on the file:
 * `apply` compares what the file says with what the log says and appends the difference.
 *
 * A file is right as a whole or refused as a whole, with every problem at once and where it stands.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
} from 'yaml'
import { checkTogether } from './config/checks.ts'
import { ConfigFile, type AssetEntry, type PipelineEntry } from './config/shape.ts'
import type { RuleEntry, SourceEntry } from './config/sync-shape.ts'
import { parseDuration, parseSize } from './config/units.ts'
import { expandUrl, type Environment } from './config/url.ts'
import { walk, type Path, type Report, type Shape } from './config/walk.ts'
import type { AssetDefinition, Auth, PipelineDefinition } from './definitions.ts'
import type { RuleDefinition, SinkDefinition, SourceDefinition } from './rules/definition.ts'

export {
  changesToEvents,
  diffConfig,
  kinds,
  type Change,
  type FieldChange,
  type Kind,
} from './config/changes.ts'

export type Definitions = {
  readonly assets: Readonly<Record<string, AssetDefinition>>
  readonly pipelines: Readonly<Record<string, PipelineDefinition>>
  readonly sources: Readonly<Record<string, SourceDefinition>>
  readonly sinks: Readonly<Record<string, SinkDefinition>>
  readonly rules: Readonly<Record<string, RuleDefinition>>
}
export type Config = Definitions & { readonly tenant: string }

export type ConfigProblem = {
  /** From 1, as editors count. */
  readonly line: number
  readonly column: number
  /** `assets.pims/prod/schedule.every`; empty for the file as a whole. */
  readonly path: string
  readonly message: string
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly ConfigProblem[]
  constructor(fileName: string, problems: readonly ConfigProblem[]) {
    const lines = problems.map(
      ({ line, column, path, message }) =>
        `  ${fileName}:${line}:${column}  ${path ? `${path} ` : ''}${message}`,
    )
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
    super(`${fileName} has ${count}\n${lines.join('\n')}`)
    this.problems = problems
  }
}

/** Where the value (or key) at `path` begins; of what is merged or missing, what holds it. */
const offsetOf = (document: Document, path: Path, at: 'key' | 'value'): number => {
  let node: unknown = document.contents
  let offset = 0
  const resolve = (value: unknown): unknown => (isAlias(value) ? value.resolve(document) : value)
  for (const [depth, key] of path.entries()) {
    const wantsKey = at === 'key' && depth === path.length - 1
    const holder = resolve(node)
    const pair = isMap(holder)
      ? holder.items.find((item) => String(isScalar(item.key) ? item.key.value : item.key) === key)
      : undefined
    const found = pair ? (wantsKey || !pair.value ? pair.key : pair.value) : null
    node = isSeq(holder) ? holder.items[Number(key)] : found
    const range = (node as { range?: readonly number[] | null } | null)?.range
    if (!range) break
    offset = range[0]!
  }
  return offset
}

const ms = (text: string | number): number => parseDuration(text)!
/** The entry when there is something, else nothing: absent stays absent. */
const maybe = <K extends string, T, U>(key: K, value: T | undefined, to: (value: T) => U) =>
  (value === undefined ? {} : { [key]: to(value) }) as { [P in K]?: U }
const same = <T>(value: T): T => value

const authOf = (auth: NonNullable<AssetEntry['auth']>): Auth => {
  if (auth.header) return { type: 'header', ...auth.header }
  if (auth.query) return { type: 'query', ...auth.query }
  if (auth.basic) return { type: 'basic', ...auth.basic }
  return { type: 'bearer', ...auth.bearer! }
}

const assetOf = (entry: AssetEntry, env: Environment): AssetDefinition => ({
  kind: entry.kind,
  strategy: entry.strategy ?? 'content_hash',
  ...maybe('url', entry.url, (url) => expandUrl(url, env).url),
  ...maybe('auth', entry.auth, authOf),
  ...maybe('headers', entry.headers, same),
  ...maybe('cadenceMs', entry.every, ms),
  ...maybe('fullFetchMs', entry.fullFetchEvery, ms),
  ...maybe('timeoutMs', entry.timeout, ms),
  ...maybe('sizeBytesMax', entry.maxBytes, (size) => parseSize(size)!),
  ...maybe('redirectsMax', entry.redirects, same),
  ...maybe('rateLimit', entry.rateLimit, ({ key, requests, per }) => ({
    key,
    requests,
    perMs: ms(per),
  })),
  ...maybe('freshnessMs', entry.fresh, ms),
})

const pipelineOf = (entry: PipelineEntry): PipelineDefinition => ({
  folder: entry.folder,
  pool: entry.pool ?? 'default',
  slots: entry.slots,
  debounce: {
    quietMs: ms(entry.debounce?.quiet ?? '2s'),
    maxWaitMs: ms(entry.debounce?.maxWait ?? '30s'),
  },
  concurrency: entry.concurrency ?? 1,
  retry: {
    attempts: entry.retry?.attempts ?? 3,
    backoffMs: ms(entry.retry?.backoff ?? '1s'),
    backoffMsMax: ms(entry.retry?.maxBackoff ?? '30s'),
    ...maybe('nonRetryable', entry.retry?.nonRetryable, same),
  },
  stepTimeoutMs: ms(entry.stepTimeout ?? '60s'),
  runTimeoutMs: ms(entry.runTimeout ?? '5m'),
  ...maybe('priority', entry.priority, same),
  ...maybe('newestWins', entry.newestWins, same),
  ...maybe('activation', entry.activation, same),
  ...maybe('disabledSteps', entry.disabledSteps, same),
})

const sourceOf = ({ poll, url, ...entry }: SourceEntry, env: Environment): SourceDefinition => ({
  ...entry,
  url: expandUrl(url, env).url,
  ...maybe('poll', poll, ({ repositories, every }) => ({ repositories, everyMs: ms(every) })),
})

const ruleOf = ({ drift, ...entry }: RuleEntry): RuleDefinition => ({
  ...entry,
  ...maybe('drift', drift, ({ every, heal, healEvery }) => ({
    everyMs: ms(every ?? '1m'),
    ...maybe('heal', heal, same),
    ...maybe('healEveryMs', healEvery, ms),
  })),
})

const mapValues = <T, U>(record: Readonly<Record<string, T>>, to: (value: T) => U) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value)]))

/** Why there is no value: an alias leads nowhere, or aliases multiply without end. */
const whyNoValue = (document: Document, error: unknown): readonly [number, string] => {
  let lost = 0
  visit(document, {
    Alias: (_, alias) => {
      if (!alias.resolve(document)) lost ||= alias.range?.[0] ?? 0
    },
  })
  return [lost, `is not YAML as we read it: ${(error as Error).message}`]
}

/** Reads the file; throws a `ConfigError` with all problems. `env` is for `${VAR:-default}` in URLs. */
export const parseConfig = (
  text: string,
  fileName: string,
  env: Environment = process.env,
): Config => {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true })
  const problems: ConfigProblem[] = []
  const add = (offset: number, path: string, message: string): void => {
    const { line, col } = lines.linePos(offset)
    problems.push({ line, column: col, path, message })
  }
  for (const { pos, message } of [...document.errors, ...document.warnings])
    // What follows the colon quotes the text, and that may be a secret.
    add(pos[0], '', `is not YAML as we read it: ${message.replace(/ in YAML stream: .*$/s, '')}`)
  if (problems.length > 0) throw new ConfigError(fileName, problems)
  if (document.contents === null || (isScalar(document.contents) && !document.contents.value)) {
    add(0, '', 'is empty; write assets: {} and pipelines: {} to mean that there are none')
    throw new ConfigError(fileName, problems)
  }

  let file: ConfigFile
  try {
    file = document.toJS() as ConfigFile
  } catch (error) {
    const [offset, message] = whyNoValue(document, error)
    add(offset, '', message)
    throw new ConfigError(fileName, problems)
  }
  const broken: Path[] = []
  const report: Report = (path, message, at = 'value') => {
    broken.push(path)
    add(offsetOf(document, path, at), path.join('.'), message)
  }
  walk(file, ConfigFile as unknown as Shape, [], report)
  const isSound = (path: Path): boolean =>
    !broken.some((other) => other.every((key, i) => i >= path.length || path[i] === key))
  if (file !== null && typeof file === 'object') checkTogether(file, env, isSound, report)
  if (problems.length > 0)
    throw new ConfigError(
      fileName,
      problems.toSorted((a, b) => a.line - b.line || a.column - b.column),
    )
  return {
    tenant: file.tenant ?? 'default',
    assets: mapValues(file.assets ?? {}, (entry) => assetOf(entry, env)),
    pipelines: mapValues(file.pipelines ?? {}, pipelineOf),
    sources: mapValues(file.sources ?? {}, (entry) => sourceOf(entry, env)),
    sinks: mapValues(file.sinks ?? {}, same),
    rules: mapValues(file.rules ?? {}, ruleOf),
  }
}
