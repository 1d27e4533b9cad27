import type { EventOf } from '@headway/schemas/events.ts'
import type { Doors } from '@headway/streams/room.ts'
import { sha256, toTimestamp } from '@headway/schemas/ids.ts'
import type { Known } from './catalog.ts'
import type { Artifact } from './folder.ts'
import type { Manifest } from './pipeline.ts'

const logLagMs = 20

/**
 * Makes a version known and active. Workers may see the same new folder at once: the first one's word
 * stands, the others wait until the log has brought it.
 */
export const activate = async (
  { log, clock }: Doors,
  known: Known,
  options: {
    readonly worker: string
    readonly version: string
    readonly reason: string
    /** Given for a version that was never registered. */
    readonly release: {
      readonly folder: string
      readonly artifacts: readonly Artifact[]
      readonly manifest: Manifest
    } | null
    /** Only made known; somebody else says when it becomes active. */
    readonly isInactive?: boolean
    readonly signal: AbortSignal
  },
): Promise<void> => {
  const { worker, version, reason, release, signal } = options
  const { tenant, pipeline } = known
  const named = { v: 1 as const, at: toTimestamp(clock.now()), pipeline, pipelineVersion: version }
  const registered: EventOf<'ReleaseRegistered'> | null = release && {
    type: 'ReleaseRegistered',
    ...named,
    folder: release.folder,
    ...release.manifest,
    artifacts: [...release.artifacts],
    contract: sha256(JSON.stringify([release.manifest.inputs, release.manifest.outputs])),
  }
  const actor = { name: `worker/${worker}`, reason }
  const isDone = () => (registered ? known.releases.has(version) : known.active === version)
  while (!isDone() && !signal.aborted) {
    const expect = known.releaseSeq
    const { outcome } = await log.append({
      tenant,
      topic: { kind: 'release', name: pipeline },
      id: `release-${tenant}-${pipeline}-${version}-${expect}`,
      events: [
        ...(registered ? [registered] : []),
        ...(options.isInactive ? [] : [{ type: 'ReleaseActivated' as const, ...named, actor }]),
      ],
      expect,
      source: `worker/${worker}`,
    })
    if (outcome !== 'conflict') {
      if (registered) known.releases.set(version, registered)
      if (!options.isInactive) known.active = version
    }
    while (outcome === 'conflict' && known.releaseSeq === expect && !signal.aborted)
      await clock.sleep(logLagMs, signal)
  }
}
