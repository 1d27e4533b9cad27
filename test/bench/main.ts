/**
 * `npm run bench -- NAME…`: one JSON object per figure on standard output. Figures mean something only
 * on a machine that does nothing else.
 */
import { conditions, type Figure } from './figure.ts'

const benches: Readonly<Record<string, () => Promise<{ readonly run: () => Promise<Figure[]> }>>> =
  {
    realtime: () => import('./realtime.ts'),
    runs: () => import('./runs.ts'),
    schedule: () => import('./schedule.ts'),
    rebuild: () => import('./rebuild.ts'),
    config: () => import('./config.ts'),
    api: () => import('./api.ts'),
    console: () => import('./console.ts'),
    idle: () => import('./idle.ts'),
    peers: () => import('./peers.ts'),
  }

const names = process.argv.slice(2)
const unknown = names.filter((name) => !Object.hasOwn(benches, name))
if (names.length === 0 || unknown.length > 0) {
  if (unknown.length > 0) process.stderr.write(`there is no bench ${unknown.join(', ')}\n`)
  process.stderr.write(`npm run bench -- ${Object.keys(benches).join(' | ')}\n`)
  process.exitCode = 2
} else {
  const measured = conditions('2.14.0', '18.4')
  for (const name of names) {
    const { run } = await benches[name]!()
    for (const figure of await run())
      process.stdout.write(`${JSON.stringify({ bench: name, ...measured, ...figure })}\n`)
  }
}
