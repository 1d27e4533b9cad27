import { register } from '/work/main/deploy/node_modules/tsx/dist/cjs/api/index.mjs'
register()
import { createRequire } from 'node:module'
const require = createRequire('/work/main/x.js')
require('/work/main/schemas/content/gtfs-realtime.ts')
import { parentPort } from 'node:worker_threads'
parentPort.on('message', () => {})
parentPort.postMessage(1)
