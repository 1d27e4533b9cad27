import { differenceLimits } from './difference/shape.ts'
import type { Difference, DifferencePart, DifferenceSample } from './difference/shape.ts'
import { bytesDiffer, fitting, interleave } from './difference/tally.ts'
import type { PartDifference } from './difference/tally.ts'
import { Refusal } from './kind.ts'
import type { ContentKind, ContentKindName, Inspection } from './kind.ts'
import { bufferOf } from './protobuf.ts'
import { contentKindOf } from './registry.ts'

export { Difference } from './difference/shape.ts'

/**
 * What two versions of a content say differently: a candidate's output against the active one's, a
 * version against the one before it.
 *
 * The content digest has the first word, so a difference is never reported where no version would
 * be made. How contents are compared is up to their kind (`ContentKind.compare`); where a kind has
 * no opinion, or finds nothing although the digests differ (the same values, written in another
 * way), the bytes differ and that is all there is to say.
 */

type Inspected = { readonly inspection: Inspection } | { readonly problem: string }

const inspected = (kind: ContentKind<unknown>, bytes: Uint8Array): Inspected => {
  try {
    return { inspection: kind.inspect(bytes) }
  } catch (error) {
    const { message } = error as Error
    return {
      problem: error instanceof Refusal ? `${error.code}, ${message}` : `inspection: ${message}`,
    }
  }
}

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value)) + 1

/** As many as fit, from the front. */
const within = <T>(items: readonly T[], bytesMax: number): T[] => {
  let bytes = 0
  return items.filter((item) => bytes <= bytesMax && (bytes += jsonBytes(item)) <= bytesMax)
}

/** Samples of all parts in turn, then in the order of the parts again. */
const chosenSamples = (found: readonly PartDifference[], bytesMax: number): DifferenceSample[] => {
  const turns = interleave(found.map(({ samples }) => samples))
  const chosen = new Set(within(turns.slice(0, differenceLimits.samplesMax), bytesMax))
  return found.flatMap(({ samples }) => samples.filter((sample) => chosen.has(sample)))
}

const differentBy = (found: readonly PartDifference[]): Difference => {
  const { bytesMax, partsBytesMax } = differenceLimits
  const envelopeBytes = 200
  const parts = within(
    found.map(({ part }) => part),
    partsBytesMax,
  )
  const samples = chosenSamples(
    found.slice(0, parts.length),
    bytesMax - envelopeBytes - jsonBytes(parts),
  )
  const partsOmitted = found.length - parts.length
  return { verdict: 'different', parts, ...(partsOmitted > 0 && { partsOmitted }), samples }
}

const unreadable = (
  sizes: { readonly before: number; readonly after: number },
  problems: readonly string[],
): DifferencePart => {
  const problem = fitting(problems.join('; '), differenceLimits.problemCharactersMax)
  return bytesDiffer('content', sizes, { change: 'unreadable', problem }).part
}

export const difference = (
  kindName: ContentKindName,
  before: Uint8Array,
  after: Uint8Array,
): Difference => {
  if (bufferOf(before).equals(after)) return { verdict: 'identical', parts: [], samples: [] }
  const kind: ContentKind<unknown> = contentKindOf[kindName]
  const sizes = { before: before.length, after: after.length }
  const [one, other] = [inspected(kind, before), inspected(kind, after)]
  const problems = [
    ...('problem' in one ? [`before: ${one.problem}`] : []),
    ...('problem' in other ? [`after: ${other.problem}`] : []),
  ]
  if ('problem' in one || 'problem' in other)
    return { verdict: 'different', parts: [unreadable(sizes, problems)], samples: [] }
  if (one.inspection.contentDigest === other.inspection.contentDigest)
    return { verdict: 'same_content', parts: [], samples: [] }
  const found = kind.compare?.(kind.parse(before), kind.parse(after)) ?? []
  return differentBy(found.length > 0 ? found : [bytesDiffer('content', sizes)])
}
