/**
 * The projector's process: `main.ts` follows the log; `main.ts rebuild` makes the tables anew beside the
 * live ones and swaps; `main.ts verify` proves that the live tables equal a fresh replay.
 */
import { openDoors, pgUrl, untilStopped } from '@headway/streams/room.ts'
import { InterruptedError } from './replay.ts'
import { rebuild } from './rebuild.ts'
import { ProgressReport, resultText } from './report.ts'
import { startProjector } from './start.ts'

const words = process.argv.slice(2)
const json = words.includes('--json')
const [command = 'projector'] = words.filter((word) => !word.startsWith('--'))
const signal = untilStopped()

const run = async (): Promise<void> => {
  const doors = await openDoors('projector')
  const report = new ProgressReport(json, process.stderr, () => doors.clock.now())
  const replay = (swap: boolean) =>
    rebuild(doors, { pgUrl: pgUrl(), swap, signal, tell: (progress) => report.tell(progress) })
  try {
    if (command === 'projector') {
      await startProjector(doors, { pgUrl: pgUrl(), signal })
    } else if (command === 'rebuild' || command === 'verify') {
      const result = await replay(command === 'rebuild')
      process.stdout.write(resultText(command, result, json))
      if (command === 'verify' && !result.comparison?.equal) process.exitCode = 1
    } else {
      process.stderr.write(`there is no ${command}: projector, rebuild or verify\n`)
      process.exitCode = 2
    }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = error instanceof InterruptedError ? 130 : 1
  } finally {
    await doors.close()
  }
}

await run()
