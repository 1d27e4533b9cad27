/** What one line of the file must not say because of another one. */
import type { AssetEntry, ConfigFile, PipelineEntry } from './shape.ts'
import { parseDuration } from './units.ts'
import { expandUrl, soundsSecret, type Environment } from './url.ts'
import { suggestion, type Path, type Report } from './walk.ts'

type Duration = string | number | undefined
type Named = readonly [name: string, value: Duration, otherwise?: Duration]

/** Reports when what must be longer is shorter; the default stands in for what is left out. */
const checkOrder = (report: Report, path: Path, shorter: Named, longer: Named): void => {
  const [least, most] = [shorter, longer].map(([, value, otherwise]) => value ?? otherwise)
  if (least === undefined || most === undefined) return
  if (parseDuration(most)! >= parseDuration(least)!) return
  const told = longer[1] === undefined ? `${most} (when left out)` : `${most}`
  report([...path, longer[0]], `${told} is shorter than ${shorter[0]} (${least})`)
}

const checkAsset = (key: string, asset: AssetEntry, env: Environment, report: Report): void => {
  const path = ['assets', key]
  if (key.startsWith('output/'))
    report(path, 'begins with output/, which is kept for what pipelines make', 'key')
  if (asset.url !== undefined)
    for (const problem of expandUrl(asset.url, env).problems) report([...path, 'url'], problem)
  else
    for (const field of ['every', 'auth', 'fullFetchEvery'] as const)
      if (asset[field] !== undefined)
        report([...path, field], 'has no meaning without url: there is nothing to fetch', 'key')
  for (const name of Object.keys(asset.headers ?? {}))
    if (soundsSecret(name))
      report(
        [...path, 'headers', name],
        'looks like a secret, and the log would keep it: write ' +
          `auth: { header: { name: ${name}, value: env:NAME } }`,
        'key',
      )
  checkOrder(report, path, ['every', asset.every], ['fullFetchEvery', asset.fullFetchEvery])
  checkOrder(report, path, ['every', asset.every], ['fresh', asset.fresh])
}

const checkSlot = (asset: string, file: ConfigFile): string | null => {
  const assets = Object.keys(file.assets ?? {})
  if (assets.includes(asset)) return null
  const [root, pipeline, ...output] = asset.split('/')
  if (root !== 'output' || pipeline === undefined || output.length === 0)
    return `${asset} is not among the assets${suggestion(asset, assets)}`
  const pipelines = Object.keys(file.pipelines ?? {})
  if (pipelines.includes(pipeline)) return null
  return `${asset} is made by no pipeline here${suggestion(pipeline, pipelines)}`
}

const checkPipeline = (
  id: string,
  pipeline: PipelineEntry,
  file: ConfigFile,
  report: Report,
): void => {
  const path = ['pipelines', id]
  for (const [slot, asset] of Object.entries(pipeline.slots)) {
    const problem = checkSlot(asset, file)
    if (problem) report([...path, 'slots', slot], problem)
  }
  const { debounce, retry, stepTimeout, runTimeout } = pipeline
  checkOrder(
    report,
    [...path, 'debounce'],
    ['quiet', debounce?.quiet, '2s'],
    ['maxWait', debounce?.maxWait, '30s'],
  )
  checkOrder(
    report,
    [...path, 'retry'],
    ['backoff', retry?.backoff, '1s'],
    ['maxBackoff', retry?.maxBackoff, '30s'],
  )
  checkOrder(report, path, ['stepTimeout', stepTimeout, '60s'], ['runTimeout', runTimeout, '5m'])
}

const checkNamed = (
  path: Path,
  name: string,
  among: 'sources' | 'sinks',
  file: ConfigFile,
  report: Report,
): void => {
  const known = Object.keys(file[among] ?? {})
  if (!known.includes(name))
    report(path, `${name} is not among the ${among}${suggestion(name, known)}`)
}

/** Checks every entry that is well-formed in itself. */
export const checkTogether = (
  file: ConfigFile,
  env: Environment,
  isSound: (path: Path) => boolean,
  report: Report,
): void => {
  for (const [key, asset] of Object.entries(file.assets ?? {}))
    if (isSound(['assets', key])) checkAsset(key, asset, env, report)
  for (const [id, pipeline] of Object.entries(file.pipelines ?? {}))
    if (isSound(['pipelines', id])) checkPipeline(id, pipeline, file, report)
  for (const [source, { url }] of Object.entries(file.sources ?? {})) {
    const expanded = expandUrl(url, env)
    // A directory of repositories has no host to name.
    if (!isSound(['sources', source]) || expanded.url.startsWith('file:///')) continue
    for (const problem of expanded.problems) report(['sources', source, 'url'], problem)
  }
  for (const [rule, { source, sinks }] of Object.entries(file.rules ?? {})) {
    if (!isSound(['rules', rule])) continue
    checkNamed(['rules', rule, 'source'], source, 'sources', file, report)
    for (const [i, sink] of sinks.entries())
      checkNamed(['rules', rule, 'sinks', String(i)], sink, 'sinks', file, report)
  }
}
