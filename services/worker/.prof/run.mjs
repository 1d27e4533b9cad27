import { bundled } from '../../../streams/bundle.mjs'
const entry = process.argv[2]; process.argv.splice(2,1)
if (process.features.typescript) await import(entry); else await import(await bundled(entry))
