/**
 * From a URL to a published feed in one command: look once, guess what it is, write asset and pipeline
 * into the file, and when Headway runs, apply these two and nothing else.
 */
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { parseConfig, type Change } from '@headway/schemas/config.ts'
import { feedKinds, type FeedKindName } from '@headway/schemas/content/kind.ts'
import { sniff } from '@headway/schemas/content/sniff.ts'
import type { AssetEntry, PipelineEntry } from '@headway/schemas/config/shape.ts'
import { urlProblems } from '@headway/schemas/config/url.ts'
import { natsUrl } from '@headway/streams/room.ts'
import { apiUrl } from '../api.ts'
import { applyConfig } from '../apply.ts'
import { withAddition } from '../config-edit.ts'
import { countText, differenceText } from '../difference.ts'
import { CliError, commandLine } from '../errors.ts'
import { authFrom, fetchOnce, type AuthOptions } from '../fetch-once.ts'
import { isReachable, withLog } from '../nats.ts'
import { bytes, note, print, printJson } from '../terminal.ts'
import type { Invocation } from './entry.ts'

/** `https://www.example.org/gtfs/vp.pb` → `example.org/gtfs/vp`. */
export const keyFor = (url: URL): string => {
  const path = decodeURIComponent(url.pathname).replace(/\.[A-Za-z0-9]{1,5}$/, '')
  const parts = [url.hostname.replace(/^www\./, ''), ...path.split('/')]
    .map((part) => part.replaceAll(/[^A-Za-z0-9_.-]+/g, '_'))
    .filter((part) => part !== '')
  return [parts[0]!, ...parts.slice(1).slice(-7)].join('/').slice(0, 200)
}

export const pipelineFor = (key: string): string =>
  key
    .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(-64)
    .replace(/^[^A-Za-z0-9]+/, '')

const kindFrom = (content: Uint8Array, wanted: unknown): FeedKindName => {
  if (typeof wanted === 'string') {
    const kind = feedKinds.find((name) => name === wanted)
    if (kind) return kind
    throw new CliError('usage', `--kind ${wanted} is none of ${feedKinds.join(', ')}`)
  }
  const kind = sniff(content)
  if (kind) return kind
  const start = Buffer.from(content.subarray(0, 40)).toString('latin1')
  throw new CliError(
    'failed',
    `neither a GTFS schedule nor a realtime feed: ${bytes(content.length)} that begin with ` +
      JSON.stringify(start),
    ['--kind csv_table\tsays what it is; then bind it to a pipeline of your own'],
  )
}

const pipelineOf = (kind: FeedKindName, key: string): PipelineEntry => {
  if (kind === 'gtfs_schedule_zip')
    return { folder: 'passthrough-schedule', pool: 'default', slots: { schedule: key } }
  if (kind === 'gtfs_rt_protobuf')
    return { folder: 'passthrough-realtime', pool: 'default', slots: { feed: key } }
  throw new CliError('failed', `no pipeline comes along for ${kind}`, [
    `asset and pipeline in headway.yaml\tand then ${commandLine('apply')}`,
  ])
}

const assetOf = (
  url: string,
  kind: FeedKindName,
  options: Invocation['options'],
  auth: AssetEntry['auth'],
): AssetEntry => {
  const isRealtime = kind === 'gtfs_rt_protobuf'
  const every = typeof options.every === 'string' ? options.every : isRealtime ? '15s' : '1h'
  const strategy = isRealtime ? 'timestamp' : 'content_hash'
  return { url, kind, strategy, every, ...(auth ? { auth } : {}) }
}

/** Applies the two new definitions when a server is there. */
const applyAddition = async (
  text: string,
  file: string,
  names: readonly string[],
): Promise<{ readonly changes: readonly Change[]; readonly seq: number } | null> => {
  if (!(await isReachable(natsUrl()))) return null
  const only = (change: Change): boolean =>
    change.change !== 'removed' && names.includes(change.name)
  return withLog({ ensureStreams: true }, (log) =>
    applyConfig(log, parseConfig(text, file), { only }),
  )
}

export const run = async ({ args, options }: Invocation): Promise<void> => {
  const url = args[0]!
  const file = String(options.file)
  const problems = urlProblems(url)
  if (problems.length > 0)
    throw new CliError('usage', `the URL ${problems.join('\nthe URL ')}`, [
      `${commandLine('add <url> --query key=env:NAME')}\tsends a secret and keeps it out of the file`,
    ])
  const auth = authFrom(options as AuthOptions)
  const content = await fetchOnce(url, auth)
  const kind = kindFrom(content, options.kind)
  const key = typeof options.key === 'string' ? options.key : keyFor(new URL(url))
  const pipeline = typeof options.pipeline === 'string' ? options.pipeline : pipelineFor(key)
  const asset = assetOf(url, kind, options, auth)
  const before = existsSync(file) ? await readFile(file, 'utf8') : null
  const addition = { key, asset, pipeline, definition: pipelineOf(kind, key) }
  const text = withAddition(before, file, addition)
  await writeFile(file, text)
  const applied = await applyAddition(text, file, [key, pipeline])
  if (options.json)
    return printJson({
      key,
      pipeline,
      kind,
      sizeBytes: content.length,
      file,
      seq: applied?.seq ?? null,
    })
  print(`${kind}  ${bytes(content.length)}  ${file} has asset ${key} and pipeline ${pipeline} now`)
  if (applied) {
    print(differenceText(applied.changes))
    note(`\n${countText(applied.changes)}, through position ${applied.seq} of the log. Next:`)
    note(`  ${commandLine(`sub asset/${key}`)}   watches it`)
    note(`  ${commandLine(`runs --pipeline ${pipeline}`)}   what became of it; or ${apiUrl()}`)
  } else note('Headway does not run here, so nothing is applied yet. Next:\n  npm start')
}
