/** Who takes part. A system with two recipes takes part with both. */
import type { OpenPeer } from './peer.ts'

export type Contestant = {
  readonly open: () => Promise<OpenPeer>
  /** What is missing in the equivalent job; such a peer is told apart when it wins. */
  readonly lacks?: string
  /** Not a peer: what the engine under us gives to whoever tells it the same. */
  readonly isCeiling?: boolean
  /** Runs in its backlog, when it is too slow for the usual number. */
  readonly backlog?: number
}

export const ours = 'headway'

export const contestants: Readonly<Record<string, Contestant>> = {
  [ours]: { open: async () => (await import('./headway.ts')).open },
  'log and tables alone': {
    open: async () => (await import('./log-and-tables.ts')).open,
    lacks: 'decides and executes nothing: what a run costs in NATS, Postgres and the projector',
    isCeiling: true,
  },
  'bullmq flow': { open: async () => (await import('./bullmq.ts')).openFlow },
  'bullmq chain': { open: async () => (await import('./bullmq.ts')).openChain },
  restate: { open: async () => (await import('./restate.ts')).open },
  dbos: { open: async () => (await import('./dbos.ts')).open, backlog: 1_500 },
  'graphile-worker': {
    open: async () => (await import('./graphile-worker.ts')).openSingle,
    lacks: 'history',
    backlog: 1_500,
  },
  'graphile-worker grouped': {
    open: async () => (await import('./graphile-worker.ts')).openGrouped,
    lacks: 'history, and is grouped by code of ours',
  },
  'pg-boss': {
    open: async () => (await import('./pg-boss.ts')).open,
    lacks: 'runs at their own pace: up to 256 go in step',
  },
}
