/**
 * Adds to `headway.yaml` as a person would: comments, order and what is there already stay as they are.
 * What comes out is checked like any other file before anybody sees it.
 */
import { isMap, parseDocument } from 'yaml'
import { parseConfig } from '@headway/schemas/config.ts'
import type { AssetEntry, PipelineEntry } from '@headway/schemas/config/shape.ts'
import { CliError } from './errors.ts'

export type Addition = {
  readonly key: string
  readonly asset: AssetEntry
  readonly pipeline: string
  readonly definition: PipelineEntry
}

const newFile = `# yaml-language-server: $schema=./schemas/config.schema.json
assets: {}
pipelines: {}
`

/** The file with one asset and one pipeline more. `text` is null when there is none yet. */
export const withAddition = (text: string | null, fileName: string, add: Addition): string => {
  const before = text === null || text.trim() === '' ? newFile : text
  const { assets, pipelines } = parseConfig(before, fileName)
  for (const [what, name, taken, flag] of [
    ['asset', add.key, Object.hasOwn(assets, add.key), '--key'],
    ['pipeline', add.pipeline, Object.hasOwn(pipelines, add.pipeline), '--pipeline'],
  ] as const)
    if (taken)
      throw new CliError('conflict', `${fileName} has ${what} ${name} already`, [
        `${flag} <name>\tgives it another name`,
      ])
  const document = parseDocument(before)
  for (const [section, name, value] of [
    ['assets', add.key, add.asset],
    ['pipelines', add.pipeline, add.definition],
  ] as const) {
    const node = document.get(section)
    // `assets: {}` is written on one line; what is added to it is not.
    if (isMap(node) && node.items.length === 0) node.flow = false
    const pair = document.createPair(name, value)
    if (isMap(node)) {
      if (node.items.length > 0) (pair.key as { spaceBefore?: boolean }).spaceBefore = true
      node.add(pair)
    } else document.set(section, document.createNode({ [name]: value }))
  }
  const after = document.toString({ lineWidth: 0, flowCollectionPadding: true })
  parseConfig(after, fileName)
  return after
}
