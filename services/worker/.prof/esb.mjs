import { createRequire } from 'node:module'
const r = createRequire(createRequire('/work/main/deploy/x.js').resolve('tsx/package.json'))
const a = performance.now()
const esbuild = r('esbuild')
console.log('require', performance.now() - a)
const b = performance.now()
const out = await esbuild.build({
  entryPoints: ['/work/main/services/worker/thread.ts'],
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'node',
  metafile: true,
})
console.log('bundle', performance.now() - b, out.outputFiles[0].text.length)
