/** One asset: how it is, its newest versions, and their bytes, out and in. */
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { ageMs, ask, call, field, part, rowOf, rowsOf, type Row } from '../api.ts'
import { CliError, commandLine } from '../errors.ts'
import { bytes, note, paint, print, printJson, span, table } from '../terminal.ts'
import type { Invocation } from './entry.ts'

/** How long a fetcher may take to look at what was put. */
const waitS = 8
/** How long bytes may take on a slow line. */
const sentMsMax = 600_000

const pathOf = (key: string): string => `assets/${key.split('/').map(part).join('/')}`

/** The bytes of a version, of the newest when none is named, on standard output. */
const write = async (
  path: string,
  { version, rendition }: Invocation['options'],
): Promise<void> => {
  const of = typeof version === 'string' ? `${path}/versions/${part(version)}` : path
  const query = typeof rendition === 'string' ? `?rendition=${part(rendition)}` : ''
  const response = await ask(`${of}/content${query}`)
  for await (const chunk of response.body!) process.stdout.write(chunk)
}

const versionsText = (versions: readonly Row[]): string =>
  table<Row>(
    [
      { title: 'VERSION', of: (row) => field(row, 'version') },
      { title: 'NUMBER', of: (row) => field(row, 'ordinal'), right: true },
      { title: 'SIZE', of: (row) => bytes(Number(row.sizeBytes ?? 0)), right: true },
      { title: 'ROWS', of: (row) => field(row, 'rows'), right: true },
      { title: 'AGO', of: (row) => span(ageMs(row, 'recordedAt') ?? 0), right: true },
      { title: 'BY', of: (row) => field(rowOf(row.origin), 'by') },
      { title: 'SAME AS', of: (row) => field(row, 'sameAs') },
    ],
    versions,
  )

export const run = async ({ args, options }: Invocation): Promise<void> => {
  const path = pathOf(args[0]!)
  if (options.content) return write(path, options)
  const limit = typeof options.limit === 'string' ? options.limit : '20'
  const [answer, versions] = await Promise.all([
    call(path),
    call(`${path}/versions?limit=${part(limit)}`),
  ])
  if (options.json) return printJson({ ...(answer as object), versions })
  const row = rowOf(answer)
  const trouble = row.trouble ? rowOf(row.trouble) : null
  const checked = ageMs(row, 'lastCheckedAt')
  const lines: (readonly [string, string])[] = [
    ['kind', field(row, 'kind')],
    ['from', row.producer ? field(row, 'producer') : field(rowOf(row.source), 'url')],
    ['state', trouble ? field(trouble, 'detail', 'code') : row.stale === true ? 'stale' : 'well'],
    ['looked at', checked === null ? '-' : `${span(checked)} ago`],
  ]
  print(`asset ${field(row, 'key')}`)
  for (const [name, value] of lines) print(`  ${paint('dim', name.padEnd(10))}  ${value}`)
  print(`\n${versionsText(rowsOf(versions))}`)
}

export const put = async ({ args, options }: Invocation): Promise<void> => {
  const [key, file] = args
  const body =
    file === '-'
      ? await buffer(process.stdin)
      : await readFile(file!).catch((error: NodeJS.ErrnoException) => {
          throw new CliError('notFound', `cannot read ${file}: ${error.code ?? error.message}`)
        })
  if (body.length === 0)
    throw new CliError('usage', `${file} is empty: there is nothing to put`, [
      `${commandLine(`asset ${key}`)}\tshows what is there`,
    ])
  const path = `${pathOf(key!)}/content?wait=${waitS}`
  const response = await ask(path, { method: 'PUT', body }, sentMsMax)
  const answer: unknown = await response.json()
  if (options.json) return printJson(answer)
  const told: Readonly<Record<number, string>> = {
    200: 'the newest version has this content already',
    201: `version ${field(rowOf(answer), 'ordinal')}`,
  }
  note(`${key}: ${told[response.status] ?? 'kept, and looked at as soon as a fetcher is there'}`)
}
