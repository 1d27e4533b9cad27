/**
 * What configuration is made of, between the file and the sink. Types are kept until a sink renders
 * them; objects are flattened away, so lists and empty objects are values like any other.
 */
export type Plain =
  | null
  | boolean
  | number
  | string
  | readonly Plain[]
  | { readonly [key: string]: Plain }

/** A key, the file that it comes from, and its value or the reference of a secret. */
export type Entry =
  | { readonly key: string; readonly file: string; readonly value: Plain }
  | { readonly key: string; readonly file: string; readonly secret: string }
