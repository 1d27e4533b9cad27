import { bundled } from '../../../streams/bundle.mjs'
import module from 'node:module'
module.enableCompileCache?.()
const entry = process.argv[2]
process.argv.splice(2, 1)
if (process.features.typescript) await import(entry)
else await import(await bundled(entry))
