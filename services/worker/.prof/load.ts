import { Threads } from '../threads.ts'
import { takeSnapshot } from '../folder.ts'
import { readFileSync } from 'node:fs'
const pss = () => {
  const t = readFileSync('/proc/self/smaps_rollup', 'utf8')
  return (Number(/^Pss:\s+(\d+)/m.exec(t)![1]) / 1e3).toFixed(0)
}
const name = process.argv[2] ?? 'passthrough-realtime'
const { path } = await takeSnapshot(process.argv[3] ?? '/work/main/deploy/pipelines', name)
const before = pss()
for (let i = 0; i < 3; i++) {
  const t = new Threads(path)
  const a = performance.now()
  await t.manifest()
  console.log('load', (performance.now() - a).toFixed(0), 'ms  pss', before, '→', pss(), 'MB')
}
process.exit(0)
