/**
 * What a fetcher meets outside: sources that answer, secrets behind references, and the proof that bytes
 * are what they should be. The room knows what they tell; that there are sockets, files and threads is
 * known here.
 */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContentKindName, Inspection } from '@headway/schemas/content/kind.ts'
import { resolveSecret } from '@headway/streams/secrets.ts'
import { openGit, type Git } from './git.ts'
import { inspect } from './inspect.ts'
import { sourceOf } from './sources/index.ts'
import type { Source } from './sources/source.ts'

export type Outside = {
  /** Who answers at this URL; null when its scheme is none that can be fetched. */
  readonly sourceOf: (url: string) => Source | null
  /** The value behind a reference such as `env:NAME`; rejects when there is none. */
  readonly secret: (ref: string) => Promise<string>
  /** Rejects with `Refusal` when the bytes are not what they should be. */
  readonly inspect: (
    kind: ContentKindName,
    bytes: Uint8Array,
    signal: AbortSignal,
  ) => Promise<Inspection>
  /** Repositories; left out where there are none, and then nobody looks at pushes. */
  readonly git?: Git
}

/** Repositories are a cache: a place that is emptied now and then costs time and nothing else. */
const directoryDefault = () => process.env.HEADWAY_FETCHER_DIR ?? join(tmpdir(), 'headway-fetcher')

export const openOutside = (directory: string = directoryDefault()): Outside => ({
  sourceOf,
  secret: resolveSecret,
  inspect,
  git: openGit({ directory: join(directory, 'git'), secret: resolveSecret }),
})
