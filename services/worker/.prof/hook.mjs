import { Worker, isMainThread } from 'node:worker_threads'
import { readFileSync, writeFileSync } from 'node:fs'
const pss = () =>
  Number(/^Pss:\s+(\d+)/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))[1]) / 1e3
const run = async (code, what) => {
  const p0 = pss()
  const a = performance.now()
  const w = new Worker(
    (writeFileSync(
      '/work/main/services/worker/.prof/x.mjs',
      code +
        `;import {parentPort} from 'node:worker_threads';parentPort.on('message',()=>{});parentPort.postMessage(1)`,
    ),
    '/work/main/services/worker/.prof/x.mjs'),
    { execArgv: [] },
  )
  await new Promise((r, j) => {
    w.on('message', r)
    w.on('error', j)
  })
  console.log(
    what.padEnd(30),
    (performance.now() - a).toFixed(0),
    'ms',
    (pss() - p0).toFixed(0),
    'MB',
  )
  await w.terminate()
}
const R = '/work/main/'
const tsx = `import {register} from '${R}deploy/node_modules/tsx/dist/esm/api/index.mjs';register();`
await run('', 'empty')
await run('', 'empty')
await run(tsx, 'tsx esm')
await run(tsx, 'tsx esm')
await run(tsx + `await import('${R}schemas/content/gtfs-realtime.ts')`, 'tsx esm + kind')
await run(
  tsx +
    `await import('${R}schemas/content/gtfs-realtime.ts');await import('${R}services/worker/node_modules/typebox/build/index.mjs')`,
  'tsx esm + kind+typebox',
)
await run(`await import('${R}services/worker/node_modules/typebox/build/index.mjs')`, 'typebox')
const cjs = `import {register} from '${R}deploy/node_modules/tsx/dist/cjs/api/index.mjs';register();import {createRequire} from 'node:module';const require=createRequire('${R}x.js');`
await run(cjs, 'tsx cjs')
await run(cjs + `require('${R}schemas/content/gtfs-realtime.ts')`, 'tsx cjs + kind')
process.exit(0)
