/**
 * The files of one commit that one rule reads for one environment, and the files that they are validated
 * with. The rule and its sinks as they were then travel inside, so that a run is pinned to them. The
 * commit counts: the same files of another commit are another version. Like `config_values`, which it
 * shares its origin with, it is a `jsonDocument`.
 */
import { Type, type Static } from 'typebox'
import { ConfigOrigin } from './config-values.ts'
import { jsonDocument } from './json-document.ts'

export const TreeFile = Type.Union([
  Type.Object({ path: Type.String(), text: Type.String() }),
  Type.Object({ path: Type.String(), base64: Type.String() }),
])
export type TreeFile = Static<typeof TreeFile>

/** In the order of their paths. */
export const ConfigTree = Type.Intersect([
  ConfigOrigin,
  Type.Object({ files: Type.Array(TreeFile) }),
])
export type ConfigTree = Static<typeof ConfigTree>

export const bytesOfFile = (file: TreeFile): Uint8Array =>
  'text' in file ? Buffer.from(file.text) : Buffer.from(file.base64, 'base64')

export const configTree = jsonDocument<ConfigTree>({
  name: 'config_tree',
  file: 'tree.json',
  shape: ConfigTree,
  rows: ({ files }) => files.length,
  facts: ({ commit, repository, files }) => ({ commit, repository, files: files.length }),
})
