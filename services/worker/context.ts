import type { PipelineDefinition } from '@headway/schemas/definitions.ts'
import type { Doors } from '@headway/streams/room.ts'
import type { Known } from './catalog.ts'
import type { Runner } from './code.ts'
import type { Commits } from './commits.ts'
import type { EarlierRuns } from './read-run.ts'

/** What the attempts at one version's runs have in common. */
export type RunContext = {
  readonly doors: Doors
  readonly worker: string
  readonly tenant: string
  readonly version: string
  readonly definition: PipelineDefinition
  readonly known: Known
  readonly commits: Commits
  readonly earlier: EarlierRuns
  readonly runner: Pick<Runner, 'run'>
  /** Fires when nothing new may be begun. */
  readonly stopping: AbortSignal
  /** Fires when what is held must be given back. */
  readonly signal: AbortSignal
}
