import { Threads } from '../threads.ts'
import { takeSnapshot } from '../folder.ts'
const { path } = await takeSnapshot('/work/main/test/fixtures/pipelines', 'obey')
const t = new Threads(path)
await t.manifest()
const t0 = performance.now()
const log = (...a: unknown[]) => console.log((performance.now() - t0).toFixed(0), ...a)
setInterval(() => log('tick'), 500).unref()
const bytes = Buffer.from(JSON.stringify({ say: 'x', blockMs: 5000 }))
const out = await t.run(
  'r',
  { inputs: { orders: { kind: 'opaque_bytes', bytes } }, disabled: [], now: 'x' },
  { stepTimeoutMs: 300, runTimeoutMs: 9000, signal: new AbortController().signal },
  (p) => log(JSON.stringify(p)),
)
log(JSON.stringify(out))
process.exit(0)
