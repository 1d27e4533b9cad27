import { differenceLimits } from './shape.ts'
import type { DifferencePart, DifferenceSample, SampleChange } from './shape.ts'

/**
 * Counts what differs in one part and keeps the first few of each change as samples. Whatever is
 * only needed for a sample is made when there is room for one, so a million changed rows cost no
 * more text than twenty.
 */

/** One part that differs, with samples by their change. */
export type PartDifference = {
  readonly part: DifferencePart
  readonly samples: readonly DifferenceSample[]
}

type Values = readonly [before: string | null, after: string | null]
type Sampled = { readonly key: string; readonly fields: Iterable<readonly [string, Values]> }

const limits = differenceLimits

/** Text that fits and that every store takes. */
export const fitting = (text: string, charactersMax: number): string => {
  const cut = text.length > charactersMax ? `${text.slice(0, charactersMax - 1)}…` : text
  return Buffer.from(cut).toString().replaceAll('\0', '\ufffd')
}

export const fittingName = (name: string): string => fitting(name, limits.nameCharactersMax)

const fittingValue = (value: string | null): string | null =>
  value === null ? null : fitting(value, limits.valueCharactersMax)

const fieldsOf = (fields: Sampled['fields']): DifferenceSample['fields'] =>
  Object.fromEntries(
    [...fields]
      .slice(0, limits.fieldsPerSampleMax)
      .map(([name, [before, after]]) => [
        fittingName(name),
        [fittingValue(before), fittingValue(after)],
      ]),
  )

/** One of each list in turn. */
export const interleave = <T>(lists: readonly (readonly T[])[]): T[] => {
  const longest = Math.max(0, ...lists.map((list) => list.length))
  return Array.from({ length: longest }, (_, index) =>
    lists.flatMap((list) => list.slice(index, index + 1)),
  ).flat()
}

const mostFrequent = (counts: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries(
    [...counts]
      .toSorted(([, one], [, other]) => other - one)
      .slice(0, limits.fieldsPerPartMax)
      .map(([name, count]) => [fittingName(name), count]),
  )

export type Tally = {
  /** Counts a row or an entity and, where it is a changed one, the fields that differ. */
  count(change: SampleChange, fields: Iterable<string>, sample: () => Sampled): void
  /** Nothing when all counts are zero. */
  result(facts?: Partial<DifferencePart>): PartDifference | undefined
}

export const createTally = (
  about: Pick<DifferencePart, 'name' | 'unit' | 'before' | 'after'>,
): Tally => {
  const name = fittingName(about.name)
  const counts = { added: 0, removed: 0, changed: 0 }
  const kept: Record<SampleChange, DifferenceSample[]> = { changed: [], removed: [], added: [] }
  const fieldCounts = new Map<string, number>()
  return {
    count(change, fields, sample) {
      counts[change] += 1
      for (const field of fields) fieldCounts.set(field, (fieldCounts.get(field) ?? 0) + 1)
      if (kept[change].length === limits.samplesPerPartMax) return
      const { key, fields: shown } = sample()
      kept[change].push({
        part: name,
        key: fitting(key, limits.keyCharactersMax),
        change,
        fields: fieldsOf(shown) ?? {},
      })
    },
    result(facts) {
      if (!facts && counts.added + counts.removed + counts.changed === 0) return undefined
      const fields = fieldCounts.size > 0 ? { fields: mostFrequent(fieldCounts) } : {}
      return {
        part: { ...about, name, change: 'changed', ...counts, ...fields, ...facts },
        samples: interleave(Object.values(kept)).slice(0, limits.samplesPerPartMax),
      }
    },
  }
}

/** Two contents, or two files, of which nothing but their bytes can be compared. */
export const bytesDiffer = (
  name: string,
  sizes: { readonly before: number; readonly after: number },
  facts: Partial<DifferencePart> = { changed: 1 },
): PartDifference => ({
  part: {
    name: fittingName(name),
    unit: 'bytes',
    change: 'changed',
    ...sizes,
    added: 0,
    removed: 0,
    changed: 0,
    ...facts,
  },
  samples: [],
})
