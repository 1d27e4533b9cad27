/**
 * The log as a person at a terminal wants to read it: one short line for each thing that means
 * something, nothing for what only machines need.
 */
import { styleText } from 'node:util'
import type { Event } from '@headway/schemas/events.ts'
import type { Commit } from '@headway/schemas/ports.ts'

type Style = Parameters<typeof styleText>[0]

const bytes = (size: number): string =>
  size < 1_000
    ? `${size} B`
    : size < 1_000_000
      ? `${(size / 1_000).toFixed(1)} kB`
      : `${(size / 1_000_000).toFixed(1)} MB`

const ms = (duration: number): string =>
  duration < 1_000 ? `${Math.round(duration)} ms` : `${(duration / 1_000).toFixed(1)} s`

const short = (id: string): string => `${id.slice(0, 10)}…${id.slice(-4)}`

type Line = { readonly topic: string; readonly name: string; readonly text: string; style?: Style }

const lineOf = (event: Event): Line | null => {
  switch (event.type) {
    case 'AssetVersioned': {
      const rows = event.rows > 0 ? `${event.rows.toLocaleString('en')} rows` : ''
      const again = event.sameAs ? '  same as before' : ''
      const text = `version ${event.ordinal}  ${bytes(event.sizeBytes).padStart(8)}  ${rows}${again}`
      return { topic: 'asset', name: event.asset, text }
    }
    case 'FetchRefused':
      return {
        topic: 'fetch',
        name: event.asset,
        text: `refused: ${event.detail} (${event.code}); the last good version stays`,
        style: 'yellow',
      }
    case 'FetchFailed':
      return {
        topic: 'fetch',
        name: event.asset,
        text: `failed: ${event.error.message}`,
        style: 'yellow',
      }
    case 'FetchRecovered':
      return { topic: 'fetch', name: event.asset, text: 'well again' }
    case 'RunRequested': {
      const because = event.triggeredBy.map((ref) => `${ref.asset}@${ref.ordinal}`)
      const told =
        because.length > 3 ? [...because.slice(0, 3), `${because.length - 3} more`] : because
      const why = told.length > 0 ? `because ${told.join(', ')}` : event.reason.replaceAll('_', ' ')
      return {
        topic: 'run',
        name: event.pipeline,
        text: `${short(event.run)}  ${event.pipelineVersion}  ${why}`,
      }
    }
    case 'RunCompleted':
      return {
        topic: 'run',
        name: event.pipeline,
        text: `${short(event.run)}  completed in ${ms(event.durationMs)}`,
        style: 'green',
      }
    case 'RunRetried':
    case 'RunFailed':
    case 'RunDeadLettered': {
      const what = { RunRetried: 'is tried again', RunFailed: 'failed', RunDeadLettered: 'gave up' }
      return {
        topic: 'run',
        name: event.pipeline,
        text: `${short(event.run)}  ${what[event.type]}: ${event.error.message}`,
        style: event.type === 'RunRetried' ? 'yellow' : 'red',
      }
    }
    case 'ReleaseRegistered':
      return {
        topic: 'release',
        name: event.pipeline,
        text: `${event.pipelineVersion}  ${event.steps.length} steps`,
      }
    case 'WorkerJoined': {
      const names = Object.keys(event.pipelines).join(', ')
      return { topic: 'worker', name: event.worker, text: `${event.version}  serves ${names}` }
    }
    case 'WorkerLeft':
      return { topic: 'worker', name: event.worker, text: 'left' }
    case 'WorkerLost':
      return { topic: 'worker', name: event.worker, text: 'lost: no heartbeat', style: 'yellow' }
    default:
      return null
  }
}

/** The lines of one commit; colours only where the terminal has them. */
export const tell = (commit: Commit, colours: boolean): readonly string[] => {
  const paint = (style: Style, text: string) => (colours ? styleText(style, text) : text)
  const time = new Date(commit.at).toTimeString().slice(0, 8)
  if (commit.problem) return [`  ${time}  unreadable message ${commit.seq}: ${commit.problem}`]
  return commit.events.flatMap((event) => {
    const line = lineOf(event)
    if (!line) return []
    const { topic, name, text, style } = line
    const told = style ? paint(style, text) : text
    return [`  ${paint('dim', time)}  ${topic.padEnd(8)}${name.padEnd(36)}  ${told}`]
  })
}
