/** Which screen a path shows, and what the menu lists; a screen is one line here. */
import type { ReactNode } from 'react'
import { Approvals } from './approvals.tsx'
import { AssetScreen } from './asset.tsx'
import { Assets } from './assets.tsx'
import { Audit } from './audit.tsx'
import { Config } from './config/config.tsx'
import { DeadLetters } from './dead-letters.tsx'
import { Events } from './events.tsx'
import { Overview } from './overview.tsx'
import { PipelineScreen } from './pipeline.tsx'
import { Pipelines } from './pipelines.tsx'
import { Projections } from './projections.tsx'
import { RunScreen } from './run/run.tsx'
import { Runs } from './runs.tsx'
import { Streams } from './streams.tsx'
import { System } from './system.tsx'
import { Workers } from './workers.tsx'

type Screen = {
  readonly path: RegExp
  readonly show: (name: string) => ReactNode
}
export const screens: readonly Screen[] = [
  { path: /^\/$/, show: () => <Overview /> },
  { path: /^\/runs$/, show: () => <Runs /> },
  { path: /^\/runs\/([^/]+)$/, show: (id) => <RunScreen key={id} id={id} /> },
  { path: /^\/assets$/, show: () => <Assets /> },
  { path: /^\/assets\/(.+)$/, show: (key) => <AssetScreen key={key} name={key} /> },
  { path: /^\/pipelines$/, show: () => <Pipelines /> },
  { path: /^\/pipelines\/([^/]+)$/, show: (id) => <PipelineScreen key={id} id={id} /> },
  { path: /^\/dead-letters$/, show: () => <DeadLetters /> },
  { path: /^\/events$/, show: () => <Events /> },
  { path: /^\/approvals$/, show: () => <Approvals /> },
  { path: /^\/workers$/, show: () => <Workers /> },
  { path: /^\/streams$/, show: () => <Streams /> },
  { path: /^\/projections$/, show: () => <Projections /> },
  { path: /^\/audit$/, show: () => <Audit /> },
  { path: /^\/system$/, show: () => <System /> },
  { path: /^\/config$/, show: () => <Config /> },
]

/** `key` after g goes there. */
export const menu = [
  { to: '/', label: 'Overview', sign: '◎', key: 'o' },
  { to: '/runs', label: 'Runs', sign: '▶', key: 'r' },
  { to: '/assets', label: 'Assets', sign: '◫', key: 'a' },
  { to: '/pipelines', label: 'Pipelines', sign: '⌥', key: 'p' },
  { to: '/dead-letters', label: 'Dead letters', sign: '✕', key: 'd' },
  { to: '/approvals', label: 'Approvals', sign: '?', key: 'q' },
  { to: '/events', label: 'Events', sign: '≡', key: 'e' },
  { to: '/workers', label: 'Workers', sign: '⚒', key: 'w' },
  { to: '/config', label: 'Config sync', sign: '⇄', key: 'c' },
  { to: '/streams', label: 'Streams', sign: '≋', key: 't' },
  { to: '/projections', label: 'Projections', sign: '▦', key: 'j' },
  { to: '/audit', label: 'Audit', sign: '✎', key: 'u' },
  { to: '/system', label: 'System', sign: '♥', key: 's' },
] as const
