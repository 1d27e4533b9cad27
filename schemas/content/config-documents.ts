/** What the files of a tree say, each by itself: on its way from text to entries. */
import { Type } from 'typebox'
import type { Plain } from '../rules/value.ts'
import { ConfigOrigin, FileStatus } from './config-values.ts'
import { jsonDocument } from './json-document.ts'

const Shape = Type.Intersect([
  ConfigOrigin,
  Type.Object({
    documents: Type.Array(Type.Object({ path: Type.String(), value: Type.Unknown() })),
    files: Type.Array(FileStatus),
  }),
])

export type ConfigDocuments = ConfigOrigin & {
  /** Of files that say something. */
  readonly documents: readonly { readonly path: string; readonly value: Plain }[]
  readonly files: readonly FileStatus[]
}

export const configDocuments = jsonDocument<ConfigDocuments>({
  name: 'config_documents',
  file: 'documents.json',
  shape: Shape,
  rows: ({ documents }) => documents.length,
  facts: ({ commit, repository, files }) => ({ commit, repository, files: files.length }),
})
