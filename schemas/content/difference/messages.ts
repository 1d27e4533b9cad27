import { unknownFields } from '../protobuf-table.ts'
import { pairByKey } from './pairs.ts'

/**
 * Two values of one message, compared field by field. A change is named by its path; what only one
 * side has is one change, however much it holds. Fields the format does not know are opaque bytes.
 *
 * Elements of a list are the same when they say the same, then when they are about the same thing
 * (the stop of a trip update), then when they come in the same order: a vehicle that passed its
 * first stop leaves one removed element and not a list full of changes.
 */

type Shown = readonly [before: string | null, after: string | null]
export type PathChange = { readonly path: string; readonly values: () => Shown }

const elementKeys: Readonly<Record<string, readonly string[]>> = {
  stop_time_update: ['stop_sequence', 'stop_id'],
  multi_carriage_details: ['carriage_sequence', 'id'],
  translation: ['language'],
}

type Fields = Readonly<Record<string, unknown>>

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** A message as a record of its fields, the unknown ones under a name. */
const fieldsOf = (message: object): Fields => {
  const unknown = (message as { readonly [unknownFields]?: Uint8Array })[unknownFields]
  return unknown ? { ...message, unknown_fields: hex(unknown) } : (message as Fields)
}

const isMessage = (value: unknown): value is object => typeof value === 'object' && value !== null

/** The value as text: JSON, unless it is text already. */
export const textOf = (value: unknown): string => {
  if (typeof value === 'string') return value
  return JSON.stringify(value, (_, held: unknown) =>
    isMessage(held) && !Array.isArray(held) ? fieldsOf(held) : held,
  )
}

const changeOf = (path: string, before: unknown, after: unknown): PathChange => ({
  path,
  values: () => [
    before === undefined ? null : textOf(before),
    after === undefined ? null : textOf(after),
  ],
})

const compareLists = (
  name: string,
  before: readonly unknown[],
  after: readonly unknown[],
  path: string,
): PathChange[] => {
  const said = (list: readonly unknown[]) => (index: number) => textOf(list[index])
  const about = (list: readonly unknown[]) => (index: number) => {
    const element = list[index]
    if (!isMessage(element)) return ''
    const key = elementKeys[name]?.find((field) => (element as Fields)[field] !== undefined)
    return key ? `${key} ${String((element as Fields)[key])}` : ''
  }
  const rest = pairByKey([...before.keys()], [...after.keys()], said(before), said(after))
  const { pairs, removed, added } = pairByKey(rest.removed, rest.added, about(before), about(after))
  return [
    ...pairs.flatMap(([one, other]) =>
      compare(name, before[one], after[other], `${path}[${other}]`),
    ),
    ...removed.map((index) => changeOf(`${path}[${index}]`, before[index], undefined)),
    ...added.map((index) => changeOf(`${path}[${index}]`, undefined, after[index])),
  ]
}

const compare = (name: string, before: unknown, after: unknown, path: string): PathChange[] => {
  if (Array.isArray(before) || Array.isArray(after))
    return compareLists(
      name,
      Array.isArray(before) ? before : [],
      Array.isArray(after) ? after : [],
      path,
    )
  if (isMessage(before) && isMessage(after)) return compareFields(before, after, `${path}.`)
  return Object.is(before, after) ? [] : [changeOf(path, before, after)]
}

const compareFields = (before: object, after: object, prefix: string): PathChange[] => {
  const [one, other] = [fieldsOf(before), fieldsOf(after)]
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...names].flatMap((name) => compare(name, one[name], other[name], `${prefix}${name}`))
}

export const changesOf = (before: object, after: object): PathChange[] =>
  compareFields(before, after, '')
