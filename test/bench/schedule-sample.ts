import { readFileSync } from 'node:fs'
import { deflateRawSync } from 'node:zlib'
import { gtfsSchedule } from '@headway/schemas/content/gtfs-schedule.ts'
import type { Schedule } from '@headway/schemas/content/gtfs-schedule.ts'
import { expand, readZip } from '@headway/schemas/content/zip.ts'
import { mergeStops } from '@headway/worker/steps/merge-stops.ts'
import { removeUnusedStops } from '@headway/worker/steps/remove-unused-stops.ts'
import type { StepContext } from '@headway/worker/steps/step.ts'
import { updateFeedInfo } from '@headway/worker/steps/update-feed-info.ts'
import { validateStopHierarchy } from '@headway/worker/steps/validate-stop-hierarchy.ts'

/**
 * One measurement in a process of its own, printed as JSON:
 * `node --import tsx test/bench/schedule-sample.ts <inspect|steps|ceiling> <zip> <from> <into>`.
 */

const [part, path = '', from = '', into = ''] = process.argv.slice(2)

const context: StepContext = {
  now: '2026-01-01T00:00:00Z',
  signal: AbortSignal.any([]),
  ask: () => undefined,
  log: () => undefined,
  finding: () => undefined,
}

const runSteps = async (bytes: Buffer): Promise<Schedule> => {
  const parsed = gtfsSchedule.parse(bytes)
  const fields = { feed_publisher_name: 'Headway', feed_version: 'bench' }
  const named = await updateFeedInfo.definition.run({ feed: parsed, fields }, context)
  const merges = [{ from: [from], into }]
  const merged = await mergeStops.definition.run({ feed: named, merges }, context)
  const trimmed = await removeUnusedStops.definition.run({ feed: merged }, context)
  return validateStopHierarchy.definition.run({ feed: trimmed }, context)
}

const changedFiles = ['feed_info.txt', 'stops.txt', 'stop_times.txt']

const runCeiling = (bytes: Buffer): number => {
  let lines = 0
  for (const entry of readZip(bytes).entries) {
    const content = expand(entry)
    for (let at = 0; at < content.length; at++) if (content[at] === 10) lines++
    if (changedFiles.includes(entry.name)) lines += deflateRawSync(content, { level: 6 }).length
  }
  return lines
}

const bytes = readFileSync(path)
const start = performance.now()
if (part === 'inspect') gtfsSchedule.inspect(bytes)
else if (part === 'ceiling') runCeiling(bytes)
else gtfsSchedule.encode(await runSteps(bytes))
const ms = performance.now() - start
process.stdout.write(JSON.stringify({ ms, peakMb: process.resourceUsage().maxRSS / 1024 }))
