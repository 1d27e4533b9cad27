import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/**
 * What a schedule costs: inspecting it, and reading, changing and writing it with four steps.
 *
 * Each sample is a fresh process, because the memory of one feed would hide in that of another and
 * because a worker meets most feeds cold. The ceiling is what no pipeline in Node can beat: it
 * inflates the same archive, looks once at every byte for the ends of lines and deflates the files
 * that the steps changed. The least of several samples counts; the machine is shared.
 */

export type Figure = {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly ceiling?: number
  readonly ratio?: number
}

type Sample = { readonly ms: number; readonly peakMb: number }

const samplesCount = 5
const data = new URL('../../../shared/data/schedule/', import.meta.url)
const root = fileURLToPath(new URL('../../', import.meta.url))
const sampleFile = fileURLToPath(new URL('schedule-sample.ts', import.meta.url))
/** The busiest stops of each feed, so that merging them rewrites as many rows as it can. */
const feeds = [
  {
    name: 'sound_transit',
    file: 'soundtransit-SC-Fall-2024.11.zip',
    from: 'E09-T2',
    into: '99111',
  },
  { name: 'nyc_subway', file: 'nyc-subway-2018.zip', from: '127N', into: '127S' },
]

const sample = async (part: string, feed: (typeof feeds)[number]): Promise<Sample> => {
  const path = fileURLToPath(new URL(feed.file, data))
  const args = ['--import', 'tsx', sampleFile, part, path, feed.from, feed.into]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root })
  const found: unknown = JSON.parse(stdout)
  return found as Sample
}

const leastOf = async (part: string, feed: (typeof feeds)[number]): Promise<Sample> => {
  let least = await sample(part, feed)
  for (let i = 1; i < samplesCount; i++) {
    const { ms, peakMb } = await sample(part, feed)
    least = { ms: Math.min(least.ms, ms), peakMb: Math.min(least.peakMb, peakMb) }
  }
  return least
}

const rounded = (value: number, digits = 0) => Number(value.toFixed(digits))

export const run = async (): Promise<Figure[]> => {
  const figures: Figure[] = []
  for (const feed of feeds) {
    if (!existsSync(new URL(feed.file, data))) continue
    const inspect = await leastOf('inspect', feed)
    const steps = await leastOf('steps', feed)
    const ceiling = rounded((await leastOf('ceiling', feed)).ms)
    const add = (name: string, value: number, unit: string) =>
      figures.push({ name: `schedule_${feed.name}_${name}`, value: rounded(value), unit })
    add('inspect', inspect.ms, 'ms')
    add('inspect_peak_rss', inspect.peakMb, 'MB')
    figures.push({
      name: `schedule_${feed.name}_four_steps`,
      value: rounded(steps.ms),
      unit: 'ms',
      ceiling,
      ratio: rounded(steps.ms / ceiling, 2),
    })
    add('four_steps_peak_rss', steps.peakMb, 'MB')
  }
  return figures
}
