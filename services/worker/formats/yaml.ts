/**
 * YAML 1.2, one document, with the types of its core schema. The tree of the document is walked here
 * rather than turned into values by the library, so that every refusal has a place and every use of an
 * alias counts as the values it stands for: a bomb of aliases ends at the limit.
 */
import type { Plain } from '@headway/schemas/rules/value.ts'
import {
  Composer,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  Parser,
  type Alias,
  type CST,
  type Document,
  type Pair,
  type Scalar,
  type YAMLMap,
} from 'yaml'
import { depthMax, Fields, numberOf, type Source } from './source.ts'

type Tree = {
  readonly source: Source
  /** The values of anchors; undefined while one is being read. */
  readonly anchors: Map<string, Plain | undefined>
}

const offsetOf = (node: unknown): number => (isNode(node) ? (node.range?.[0] ?? 0) : 0)

const scalarOf = ({ source }: Tree, node: Scalar): Plain => {
  const { value } = node
  const start = offsetOf(node)
  if (typeof value === 'bigint') return numberOf(source, start, value.toString())
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value
    return source.fail(start, 'a number that is not finite: write it as text')
  }
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  return source.fail(start, 'a kind of value that configuration does not have: write it as text')
}

/** A key is text; a number or a boolean as key is the text that stands there. */
const keyOf = (tree: Tree, pair: Pair): string => {
  const { key } = pair
  const start = offsetOf(key) || offsetOf(pair.value)
  if (!isScalar(key)) return tree.source.fail(start, 'a key that is not text: write it as text')
  const value = scalarOf(tree, key)
  if (typeof value === 'string') return value
  if (value === null) return tree.source.fail(start, 'a key that is null: put it in quotes')
  return key.source ?? JSON.stringify(value)
}

/** What `<<` brings in: keys that are written out win. */
const merge = (tree: Tree, fields: Map<string, Plain>, node: unknown, depth: number): void => {
  const brought = valueOf(tree, node, depth)
  for (const one of Array.isArray(brought) ? brought : [brought]) {
    if (typeof one !== 'object' || one === null || Array.isArray(one))
      tree.source.fail(offsetOf(node), '<< takes an object or a list of objects')
    for (const [key, value] of Object.entries(one))
      if (!fields.has(key)) fields.set(key, value as Plain)
  }
}

const mapOf = (tree: Tree, map: YAMLMap, depth: number): Plain => {
  const fields = new Fields(tree.source)
  const merged = new Map<string, Plain>()
  for (const pair of map.items) {
    const key = keyOf(tree, pair)
    if (key === '<<' && (pair.key as Scalar).type === 'PLAIN')
      merge(tree, merged, pair.value, depth + 1)
    else fields.put(key, valueOf(tree, pair.value, depth + 1), offsetOf(pair.key))
  }
  if (merged.size === 0) return fields.object()
  return { ...Object.fromEntries(merged), ...(fields.object() as { [key: string]: Plain }) }
}

/** The values that an alias stands for, counted as if they were written out. */
const countAgain = (source: Source, value: Plain, offset: number, depth: number): void => {
  source.count(offset, depth)
  if (typeof value !== 'object' || value === null) return
  for (const held of Object.values(value)) countAgain(source, held, offset, depth + 1)
}

const aliasOf = ({ source, anchors }: Tree, alias: Alias, depth: number): Plain => {
  const start = offsetOf(alias)
  if (!anchors.has(alias.source))
    return source.fail(start, `alias *${alias.source} has no anchor before it`)
  const value = anchors.get(alias.source)
  if (value === undefined)
    return source.fail(start, `alias *${alias.source} holds itself: write it out`)
  countAgain(source, value, start, depth)
  return value
}

const valueOf = (tree: Tree, node: unknown, depth: number): Plain => {
  if (isAlias(node)) return aliasOf(tree, node, depth)
  tree.source.count(offsetOf(node), depth)
  const anchor = isNode(node) && 'anchor' in node ? node.anchor : undefined
  if (anchor) tree.anchors.set(anchor, undefined)
  let value: Plain = null
  if (isScalar(node)) value = scalarOf(tree, node)
  else if (isMap(node)) value = mapOf(tree, node, depth)
  else if (isSeq(node)) value = node.items.map((item) => valueOf(tree, item, depth + 1))
  if (anchor) tree.anchors.set(anchor, value)
  return value
}

/**
 * The library composes a document by recursion, and a stack that ends inside a regular expression ends
 * the process. So how deep a text goes is looked at before, on tokens, which are made without recursion.
 */
const checkDepth = (source: Source, tokens: readonly CST.Token[]): void => {
  const open = tokens.map((token) => ({ token, depth: 0 }))
  for (let next = open.pop(); next; next = open.pop()) {
    const { token, depth } = next
    if (depth > depthMax)
      source.fail(token.offset, `deeper than ${depthMax} levels: make it flatter`)
    if (token.type === 'document' && token.value) open.push({ token: token.value, depth })
    if (!('items' in token)) continue
    for (const { key, value } of token.items) {
      if (key) open.push({ token: key, depth: depth + 1 })
      if (value) open.push({ token: value, depth: depth + 1 })
    }
  }
}

/** Duplicate keys are left to `Fields`: the library compares each with each. */
const options = { version: '1.2', intAsBigInt: true, uniqueKeys: false } as const

const documentOf = (source: Source): Document | null => {
  const tokens = [...new Parser().parse(source.text)]
  checkDepth(source, tokens)
  const [document, second] = [...new Composer(options).compose(tokens, true, source.text.length)]
  if (second) source.fail(second.range[0], 'a second document: put it into a file of its own')
  return document ?? null
}

export const parse = (source: Source): Plain => {
  const document = documentOf(source)
  if (!document) return null
  const [problem] = [...document.errors, ...document.warnings]
  if (problem) source.fail(problem.pos[0], problem.message.split('\n')[0]!)
  if (document.contents === null) return null
  return valueOf({ source, anchors: new Map() }, document.contents, 0)
}
