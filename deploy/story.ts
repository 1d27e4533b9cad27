/**
 * The log as a person at a terminal wants to read it: one short line for each thing that means
 * something, nothing for what only machines need.
 */
import { styleText } from 'node:util'
import type { Actor } from '@headway/schemas/definitions.ts'
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

const by = ({ name, reason }: Actor): string => (reason ? `by ${name}: ${reason}` : `by ${name}`)

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
    case 'PushReceived':
      return {
        topic: 'push',
        name: event.repository,
        text: `${event.ref.replace('refs/heads/', '')}  ${(event.commit ?? '').slice(0, 12)}`,
      }
    case 'SyncConfirmed':
      return {
        topic: 'sink',
        name: event.sink,
        text:
          `${event.environment}  ${event.written} written, ${event.deleted} deleted, ` +
          `${event.unchanged} as they were`,
        style: 'green',
      }
    case 'DriftFound':
      return {
        topic: 'drift',
        name: event.sink,
        text:
          `${event.environment}  ${event.count} changed by somebody else: ` +
          event.keys.slice(0, 3).join(', '),
        style: 'yellow',
      }
    case 'DriftUnknown':
      return {
        topic: 'drift',
        name: event.sink,
        text: `${event.environment}  cannot be read: ${event.error.message}`,
        style: 'red',
      }
    case 'HealRequested':
      return { topic: 'drift', name: event.sink, text: `${event.environment}  is put right` }
    case 'DriftEnded':
      return { topic: 'drift', name: event.sink, text: `${event.environment}  as in Git again` }
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
    case 'RunSuspended':
      return {
        topic: 'run',
        name: event.pipeline,
        text: `${short(event.run)}  waits for ${event.questions.map(({ step }) => step).join(', ')}`,
        style: 'yellow',
      }
    case 'RunSuperseded':
      return {
        topic: 'run',
        name: event.pipeline,
        text: `${short(event.run)}  gave way to ${short(event.by)}`,
      }
    case 'RunCancelled':
      return {
        topic: 'run',
        name: event.pipeline,
        text: `${short(event.run)}  cancelled ${by(event.actor)}`,
        style: 'yellow',
      }
    case 'RunRedriven':
    case 'RunResumed': {
      const what = event.type === 'RunResumed' ? 'goes on' : `is done again ${by(event.actor)}`
      return { topic: 'run', name: event.pipeline, text: `${short(event.run)}  ${what}` }
    }
    case 'PipelinePaused':
    case 'PipelineResumed': {
      const what = event.type === 'PipelinePaused' ? 'paused' : 'resumed'
      return { topic: 'pipeline', name: event.pipeline, text: `${what} ${by(event.actor)}` }
    }
    case 'ReleaseActivated':
      // What a worker brings becomes active by itself and was told already.
      if (event.actor.name.startsWith('worker/')) return null
      return {
        topic: 'release',
        name: event.pipeline,
        text: `${event.pipelineVersion}  active ${by(event.actor)}`,
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
