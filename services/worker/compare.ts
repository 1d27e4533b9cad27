/**
 * The end of a canary run: nothing is published. What the candidate made is stored and held against what
 * the run it repeats had published, output by output, by bytes and then by meaning.
 */
import type { EventOf } from '@headway/schemas/events.ts'
import { differenceOf, onlyDifferent } from '@headway/streams/differences.ts'
import type { Doors } from '@headway/streams/room.ts'
import { fenceOf, type Attempt } from './decider.ts'
import type { Output } from './executor.ts'
import { readRun } from './read-run.ts'

type Compared = EventOf<'ArtifactCompared'>

export const compareWith = async (
  { doors, tenant }: { readonly doors: Doors; readonly tenant: string },
  { pipeline, canary }: EventOf<'RunRequested'>,
  attempt: Attempt,
  outputs: readonly Output[],
): Promise<readonly Compared[]> => {
  const { of: run, since: throughSeq } = canary!
  const { artifacts } = await readRun(doors.log, tenant, { run, pipeline, throughSeq })
  const baselines = new Map(artifacts.map((artifact) => [artifact.output, artifact]))
  const names = new Set([...baselines.keys(), ...outputs.map(({ output }) => output)])
  const compared: Compared[] = []
  for (const name of names) {
    const made = outputs.find(({ output }) => output === name)
    const baseline = baselines.get(name)?.renditions[0]?.digest
    const before = baseline === undefined ? null : await doors.content.get(tenant, baseline)
    const renditions = await Promise.all(
      (made?.renditions ?? []).map(async ({ name: rendition, mediaType, bytes }) => ({
        name: rendition,
        mediaType,
        sizeBytes: bytes.length,
        digest: await doors.content.put(tenant, bytes),
      })),
    )
    const candidate = renditions[0]?.digest
    const after = made?.renditions[0]?.bytes ?? null
    compared.push({
      type: 'ArtifactCompared',
      ...fenceOf({ ...attempt, now: doors.clock.now() }),
      output: name,
      ...(baseline === undefined ? {} : { baseline }),
      ...(candidate === undefined ? {} : { candidate }),
      renditions,
      difference:
        made && before && after ? await differenceOf(made.kind, before, after) : onlyDifferent,
    })
  }
  return compared
}
