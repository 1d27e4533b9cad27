/**
 * What a difference looks like where it is kept: in an event, in a column, in a browser. Plain JSON
 * of at most `differenceLimits.bytesMax`, whatever the two contents were. Counts are exact; names,
 * values and samples are cut. Text never holds a NUL or half a character, which some stores refuse.
 */
import { Type } from 'typebox'

export const differenceLimits = {
  bytesMax: 100_000,
  /** Of which this much goes to parts, so that they leave room for samples. */
  partsBytesMax: 45_000,
  samplesMax: 200,
  samplesPerPartMax: 20,
  fieldsPerPartMax: 30,
  columnsPerPartMax: 20,
  fieldsPerSampleMax: 20,
  nameCharactersMax: 60,
  keyCharactersMax: 120,
  valueCharactersMax: 160,
  problemCharactersMax: 600,
} as const

export const differenceVerdicts = ['identical', 'same_content', 'different'] as const
export const partUnits = ['rows', 'entities', 'header', 'bytes'] as const
export const partChanges = ['added', 'removed', 'changed', 'unreadable'] as const
export const sampleChanges = ['added', 'removed', 'changed'] as const

export type DifferenceVerdict = (typeof differenceVerdicts)[number]
export type SampleChange = (typeof sampleChanges)[number]

/** A file, a kind of entity, the header of a feed. */
export type DifferencePart = {
  name: string
  /** What is counted; for `bytes`, how long either side is. */
  unit: (typeof partUnits)[number]
  /** What happened to the part as a whole. */
  change: (typeof partChanges)[number]
  before: number
  after: number
  added: number
  removed: number
  changed: number
  /** In how many of the changed rows or entities a field differs; the most frequent fields. */
  fields?: Record<string, number>
  /** Columns that one side alone has. Their cells are no changes of rows. */
  columns?: { added: string[]; removed: string[] }
  /** Why there is nothing to count. */
  problem?: string
}

/** One row or entity. A field is shown as [before, after], with null where there was none. */
export type DifferenceSample = {
  part: string
  key: string
  change: SampleChange
  fields?: Record<string, [string | null, string | null]>
}

export type Difference = {
  verdict: DifferenceVerdict
  /** Parts that differ; none unless the verdict is `different`. */
  parts: DifferencePart[]
  /** Parts that differ as well but found no room. */
  partsOmitted?: number
  samples: DifferenceSample[]
}

const Count = Type.Integer({ minimum: 0 })
const Shown = Type.Union([Type.String(), Type.Null()])

const Part = Type.Object({
  name: Type.String(),
  unit: Type.Enum([...partUnits]),
  change: Type.Enum([...partChanges]),
  before: Count,
  after: Count,
  added: Count,
  removed: Count,
  changed: Count,
  fields: Type.Optional(Type.Record(Type.String(), Count)),
  columns: Type.Optional(
    Type.Object({ added: Type.Array(Type.String()), removed: Type.Array(Type.String()) }),
  ),
  problem: Type.Optional(Type.String()),
})

const Sample = Type.Object({
  part: Type.String(),
  key: Type.String(),
  change: Type.Enum([...sampleChanges]),
  fields: Type.Optional(Type.Record(Type.String(), Type.Tuple([Shown, Shown]))),
})

export const Difference = Type.Object({
  verdict: Type.Enum([...differenceVerdicts]),
  parts: Type.Array(Part),
  partsOmitted: Type.Optional(Count),
  samples: Type.Array(Sample),
})
