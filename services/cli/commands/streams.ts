/** What NATS holds for Headway, who reads it, and what about it is not as the code says. */
import { ageMs, call, field, rowOf, rowsOf, type Row } from '../api.ts'
import { bytes, paint, print, printJson, span, table } from '../terminal.ts'
import type { Invocation } from './entry.ts'

const number = (value: unknown): string => Number(value ?? 0).toLocaleString('en')
const ago = (row: Row, name: string): string => {
  const age = ageMs(row, name)
  return age === null ? '-' : span(age)
}
const optionsOf = ({ drift }: Row): string =>
  drift === null
    ? 'missing'
    : rowsOf(drift)
        .map((one) => field(one, 'option'))
        .join(' ') || 'ok'
const style = (row: Row) => (optionsOf(row) === 'ok' ? 'green' : 'red')

export const run = async ({ options }: Invocation): Promise<void> => {
  const answer = await call('streams')
  if (options.json) return printJson(answer)
  const streams = rowsOf(rowOf(answer).streams)
  print(
    table<Row>(
      [
        { title: 'STREAM', of: (row) => field(row, 'name') },
        { title: 'MESSAGES', of: (row) => number(row.messages), right: true },
        { title: 'BYTES', of: (row) => bytes(Number(row.bytes)), right: true },
        { title: 'SUBJECTS', of: (row) => number(row.subjects), right: true },
        { title: 'LAST', of: (row) => number(row.lastSeq), right: true },
        { title: 'AGO', of: (row) => ago(row, 'lastAt'), right: true },
        { title: 'OPTIONS', of: optionsOf, style, shrinks: true },
      ],
      streams,
    ),
  )
  const readers = streams.flatMap((stream) =>
    rowsOf(stream.consumers).map((one): Row => ({ ...one, stream: stream.name })),
  )
  print(
    `\n${table<Row>(
      [
        { title: 'READER', of: (row) => field(row, 'name'), shrinks: true },
        { title: 'OF', of: (row) => field(row, 'stream') },
        { title: 'WAITS', of: (row) => number(row.pending), right: true },
        { title: 'IN HAND', of: (row) => number(row.ackPending), right: true },
        { title: 'AGAIN', of: (row) => number(row.redelivered), right: true },
        { title: 'ACTIVE', of: (row) => ago(row, 'activeAt'), right: true },
        { title: 'OPTIONS', of: optionsOf, style, shrinks: true },
      ],
      readers,
    )}`,
  )
  for (const row of [...streams, ...readers])
    for (const one of rowsOf(row.drift))
      print(
        `${paint('red', '✖')} ${field(row, 'name')} ${field(one, 'option')} is ` +
          `${JSON.stringify(one.actual)}, the code says ${JSON.stringify(one.wanted)}`,
      )
}
