import { wireTypes } from './protobuf.ts'

/**
 * Messages written down as tables: one line per field gives its name, number and type, and the
 * TypeScript type of the value follows from the table.
 *
 * A value is a plain object in the form people read: field names as in the .proto, enums by name,
 * 64-bit integers as numbers, absent fields absent. Whatever the table does not know (extensions,
 * newer fields, a known number with another wire type) stays as bytes under the symbol
 * `unknownFields`. A symbol survives `{ ...value }` and does not show up in JSON, so a step that
 * copies a message keeps its extensions without having to think of them. It does not survive
 * `structuredClone`: between processes a value travels as its bytes.
 */

export const unknownFields: unique symbol = Symbol('unknown fields')

type Presence = 'optional' | 'required' | 'repeated'
export type FieldKind =
  | 'text'
  | 'bool'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'float'
  | 'double'
  | 'enum'
  | 'nested'

export type Field<T, P extends Presence = Presence> = {
  readonly number: number
  readonly kind: FieldKind
  readonly presence: P
  readonly values?: Readonly<Record<string, number>>
  readonly names?: ReadonlyMap<number, string>
  readonly nested?: Message
  /** Never there; carries the type of the value. */
  readonly valueType?: T
}
export type Fields = Readonly<Record<string, Field<unknown>>>

export type NamedField = Field<unknown> & { readonly name: string; readonly wireType: number }
export type Message<F extends Fields = Fields> = {
  readonly fields: F
  /** By field number, with holes. */
  readonly byNumber: readonly (NamedField | undefined)[]
  /** Highest number first. */
  readonly backwards: readonly NamedField[]
  readonly required: readonly string[]
}

type TypeOf<F> = F extends Field<infer T> ? T : never
type KeysOf<F extends Fields, P extends Presence> = {
  [Name in keyof F]: F[Name]['presence'] extends P ? Name : never
}[keyof F]
type Flat<T> = { [Key in keyof T]: T[Key] }

/** The value that a table describes. */
export type ValueOf<M> =
  M extends Message<infer F>
    ? Flat<
        { readonly [Name in KeysOf<F, 'required'>]: TypeOf<F[Name]> } & {
          readonly [Name in KeysOf<F, 'optional'>]?: TypeOf<F[Name]>
        } & { readonly [Name in KeysOf<F, 'repeated'>]?: readonly TypeOf<F[Name]>[] } & {
          readonly [unknownFields]?: Uint8Array
        }
      >
    : never

const plain =
  <T>(kind: FieldKind) =>
  (number: number): Field<T, 'optional'> => ({ number, kind, presence: 'optional' })

export const text = plain<string>('text')
export const bool = plain<boolean>('bool')
export const int32 = plain<number>('int32')
export const uint32 = plain<number>('uint32')
export const int64 = plain<number>('int64')
export const uint64 = plain<number>('uint64')
export const float = plain<number>('float')
export const double = plain<number>('double')

export const oneOf = <Name extends string>(
  number: number,
  values: Readonly<Record<Name, number>>,
): Field<Name | number, 'optional'> => {
  const names = new Map(Object.entries<number>(values).map(([name, value]) => [value, name]))
  return { number, kind: 'enum', presence: 'optional', values, names }
}

export const nested = <F extends Fields>(
  number: number,
  message: Message<F>,
): Field<ValueOf<Message<F>>, 'optional'> => ({
  number,
  kind: 'nested',
  presence: 'optional',
  nested: message,
})

export const required = <T>(field: Field<T, 'optional'>): Field<T, 'required'> => ({
  ...field,
  presence: 'required',
})
export const repeated = <T>(field: Field<T, 'optional'>): Field<T, 'repeated'> => ({
  ...field,
  presence: 'repeated',
})

const wireTypeOf = (kind: FieldKind): number => {
  if (kind === 'text' || kind === 'nested') return wireTypes.bytes
  if (kind === 'float') return wireTypes.fixed32
  return kind === 'double' ? wireTypes.fixed64 : wireTypes.varint
}

export const message = <F extends Fields>(fields: F): Message<F> => {
  const byNumber: (NamedField | undefined)[] = []
  const requiredNames: string[] = []
  for (const [name, field] of Object.entries<Field<unknown>>(fields)) {
    byNumber[field.number] = { ...field, name, wireType: wireTypeOf(field.kind) }
    if (field.presence === 'required') requiredNames.push(name)
  }
  const backwards = byNumber.filter((field) => field !== undefined).reverse()
  return { fields, byNumber, backwards, required: requiredNames }
}
