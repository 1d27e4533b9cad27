/**
 * One contestant in a process of its own: `contestant.ts NAME DURABILITY MEASURE DIRECTORY LIMITS`.
 * Prints one JSON object, and fails when the contestant did not execute four steps for every run or
 * lost one.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { contestants } from './contestants.ts'
import { measures, type Limits, type MeasureName } from './measure.ts'
import { steps, type Durability, type Peer } from './peer.ts'

const [name = '', durability = '', measure = '', directory = '', limits = '{}'] =
  process.argv.slice(2)

const looksMax = 50
const lookMs = 100

const proven = async (peer: Peer, runs: number): Promise<void> => {
  const executed = await peer.executed()
  if (executed !== runs * steps)
    throw new Error(`${name} executed ${executed} steps for ${runs} runs`)
  let history = await peer.history()
  const isWhole = () => !history || (history.runs === runs && history.steps === runs * steps)
  // Some ask for the next step first and note the end of their own a moment later.
  for (let look = 0; !isWhole() && look < looksMax; look++) {
    await delay(lookMs)
    history = await peer.history()
  }
  if (!isWhole())
    throw new Error(`${name} completed ${runs} runs and remembers ${JSON.stringify(history)}`)
}

let peer: Peer | undefined
try {
  const open = await contestants[name]!.open()
  peer = await open({ durability: durability as Durability, directory })
  const measured = await measures[measure as MeasureName](peer, JSON.parse(limits) as Limits)
  await proven(peer, measured.runs)
  const versions = { ...peer.versions, node: process.versions.node }
  process.stdout.write(`${JSON.stringify({ ...measured, versions })}\n`)
} catch (error) {
  process.stderr.write(`${String(error)}\n`)
  process.exitCode = 1
} finally {
  // What a peer's connections say when their server goes is of no interest.
  process.on('uncaughtException', () => {})
  await peer?.close()
}
process.exit()
