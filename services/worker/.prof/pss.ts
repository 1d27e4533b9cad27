import { readFileSync } from 'node:fs'
const pss = () =>
  Number(/^Pss:\s+(\d+)/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))![1]) / 1e3
console.log('start', pss().toFixed(0), performance.now().toFixed(0))
for (const m of ['@nats-io/transport-node', '@nats-io/jetstream']) {
  await import(import.meta.resolve(m, 'file:///work/main/streams/x.ts')).catch((e) =>
    console.log(String(e).slice(0, 100)),
  )
  console.log(m, pss().toFixed(0), performance.now().toFixed(0))
}
for (const m of [
  '../../../streams/connect.ts',
  '../../../schemas/events.ts',
  '../../../schemas/codec.ts',
  '../../../streams/log.ts',
  '../../../streams/room.ts',
  '../room.ts',
]) {
  await import(m)
  console.log(m, pss().toFixed(0), performance.now().toFixed(0))
}
globalThis.gc?.()
console.log('end', pss().toFixed(0))
