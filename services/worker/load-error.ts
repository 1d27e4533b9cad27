/**
 * Why a pipeline folder does not load, in the author's terms: file, line and column in the folder first,
 * then the error's own words. The folder that is loaded is a copy under `.releases`; that is not shown.
 */
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const messageCharactersMax = 2_000

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** The first place in the folder that a stack names, as `pipeline.ts:12:3`. */
const placeIn = (stack: string, path: string): string | null => {
  const position = new RegExp(`${escaped(path)}/([^\\s:?)]+)[^\\s:)]*:(\\d+)(:\\d+)?`)
  const [, file, line, column = ''] = position.exec(stack) ?? []
  return file ? `${file}:${line}${column}` : null
}

const hintFor = (message: string): string =>
  /Cannot find (module|package)|Could not resolve/.test(message)
    ? '\nA pipeline folder stands alone: it may import packages and files of its own folder.'
    : ''

/** The first error of a bundle: what does not parse or cannot be found. */
const buildErrorIn = (message: string, path: string): string | null => {
  const [, file, position, words] =
    /^Build failed[^\n]*\n([^\n]+?):(\d+:\d+): ERROR: ([^\n]*)/.exec(message) ?? []
  if (!file || words === undefined) return null
  return `${relative(path, resolve(file))}:${position} ${words}${hintFor(words)}`
}

export const describeLoadError = (error: unknown, path: string): string => {
  if (!(error instanceof Error)) return String(error)
  const buildError = buildErrorIn(error.message, path)
  if (buildError) return buildError
  const stack = (error.stack ?? '').replaceAll(/file:\/\/[^\s:?)]+/g, (url) => {
    try {
      return fileURLToPath(url)
    } catch {
      return url
    }
  })
  const words = error.message
    .replaceAll(`file://${path}/`, '')
    .replaceAll(`${path}/`, '')
    .slice(0, messageCharactersMax)
  const place = placeIn(stack, path)
  const isNamed = place !== null && words.includes(place)
  return `${place && !isNamed ? `${place} ` : ''}${error.name}: ${words}${hintFor(words)}`
}
