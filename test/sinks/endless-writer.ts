/** Writes to a sink without end, to be killed: one generation of values after the other, half deleted. */
import { text } from 'node:stream/consumers'
import { never, openSink, place } from './sink-under-test.ts'

const { type, options, keys } = JSON.parse(await text(process.stdin)) as {
  type: string
  options: object
  keys: readonly string[]
}
const sink = await openSink(type, options)
for (let generation = 0; ; generation++) {
  process.stdout.write(`${generation}\n`)
  const set = new Map(keys.map((key) => [key, sink.render(`${generation} of ${key}`)]))
  await sink.write({ set, delete: [] }, place, never)
  const half = keys.filter((_, i) => i % 2 === generation % 2)
  await sink.write({ set: new Map(), delete: half }, place, never)
}
