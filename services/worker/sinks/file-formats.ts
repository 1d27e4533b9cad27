/**
 * What a file sink can write, each as: render a value, read a text, change a text.
 *
 * - `yaml` keeps types, comments and order, spacing only as its printer sees it; `json` keeps types and
 *   order, and knows no comments.
 * - `env`, `ini`, `properties` keep comments and order, not types: a string is itself, everything else
 *   its JSON. ini takes what is before a key's last dot as the section. env and ini cannot hold every
 *   key; that is an error that names the key.
 *
 * In json and yaml a key is one name at the top, dots and all.
 */
import type { Plain } from '@headway/schemas/rules/value.ts'
import type { Document, Pair, ParsedNode, YAMLMap } from 'yaml'
import { changeLines, readLines, type LineSyntax } from './file-lines.ts'
import { canonicalJson, rendering } from './rendering.ts'
import { SinkError, type SinkChanges, type Stored } from './sink.ts'

export type FileFormat = {
  readonly render: (value: Plain) => Stored
  /** Of an empty text: nothing. */
  readonly read: (text: string) => Map<string, Stored>
  readonly change: (text: string, changes: SinkChanges) => string
}

const lines = (syntax: LineSyntax): FileFormat => ({
  render: rendering('text'),
  read: (text) => readLines(syntax, text),
  change: (text, changes) => changeLines(syntax, text, changes),
})

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f' }
const codes: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\f': '\\f',
}
const unescaped = (text: string): string =>
  text.replace(/\\(?:u([0-9a-fA-F]{4})|([^]))/g, (_, code: string | undefined, char: string) =>
    code === undefined ? (escapes[char] ?? char) : String.fromCharCode(Number.parseInt(code, 16)),
  )

/** Shells and dotenv libraries agree on this much: double quotes, and a backslash before what means more. */
const env = lines({
  forbidden: /^(?![A-Za-z_][A-Za-z0-9_.-]*$)/,
  split: (text) =>
    text.match(/[^\n=]*=[ \t]*(?:"(?:\\[^]|[^"\\])*"|'[^']*')[^\n]*|[^\n]+|(?<=\n|^)(?=\n|$)/g) ??
    [],
  read: (line) => {
    const found = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=[ \t]*([^]*)$/.exec(line)
    if (!found) return null
    const [, name, text] = found
    const double = /^"((?:\\[^]|[^"\\])*)"/.exec(text!)
    if (double) return [name!, unescaped(double[1]!)]
    const single = /^'([^']*)'/.exec(text!)
    return [name!, single ? single[1]! : text!.replace(/(^|\s+)#.*$/s, '').trimEnd()]
  },
  write: (name, value) => {
    if (/^[A-Za-z0-9_./:@%+,-]+$/.test(value)) return `${name}=${value}`
    const quoted = value.replaceAll(/[\\"$`\n\r]/g, (char) => codes[char] ?? `\\${char}`)
    return `${name}="${quoted}"`
  },
})

const ini = lines({
  sections: true,
  forbidden: /[\]=;#:\s"'[]|^\.|\.$|\.\.|^$/u,
  split: (text) => text.split('\n'),
  read: (line) => {
    const found = /^\s*([^\s;#[=:][^=:]*?)\s*[=:][ \t]*(.*?)\s*$/s.exec(line)
    if (!found) return null
    const [, name, text] = found
    const quoted = /^"((?:\\[^]|[^"\\])*)"/.exec(text!)
    return [name!, quoted ? unescaped(quoted[1]!) : text!.replace(/(^|\s+)[;#].*$/s, '')]
  },
  write: (name, value) =>
    /^[^\s"'\\;#]+( [^\s"'\\;#]+)*$/.test(value)
      ? `${name} = ${value}`
      : `${name} = "${value.replaceAll(/[\\"\n\r\t\f]/g, (char) => codes[char] ?? `\\${char}`)}"`,
})

/** As `java.util.Properties` reads it; what is not ASCII is written as `\uXXXX`, for every encoding. */
const escapedProperty = (text: string, special: RegExp): string =>
  text
    .replaceAll(special, (char) => codes[char] ?? `\\${char}`)
    .replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

const properties = lines({
  split: (text) => text.match(/(?:[^\n\\]|\\[^])+\\?|(?<=\n|^)(?=\n|$)/g) ?? [],
  read: (line) => {
    const whole = line.replaceAll(/\\\r?\n[ \t\f]*/g, '').trimStart()
    if (whole === '' || /^[#!]/.test(whole)) return null
    const found = /^((?:\\[^]|[^\\=:\s])*)[ \t\f]*[=:]?[ \t\f]*([^]*)$/.exec(whole)
    return found ? [unescaped(found[1]!), unescaped(found[2]!.replace(/\r$/, ''))] : null
  },
  write: (name, value) => {
    const start = escapedProperty(value, /[\\\n\r\t\f]/g)
    return `${escapedProperty(name, /[\\=:#! \n\r\t\f]/g)}=${start.replace(/^ /, '\\ ')}`
  },
})

const noMap = (format: string): SinkError =>
  new SinkError(`file: it holds something other than a ${format} map; it is left alone`, {
    retryable: false,
  })

const json: FileFormat = {
  render: canonicalJson,
  read: (text) =>
    new Map(Object.entries(jsonIn(text)).map(([key, value]) => [key, canonicalJson(value)])),
  change: (text, changes) => {
    const entries = new Map(Object.entries(jsonIn(text)))
    for (const key of changes.delete) entries.delete(key)
    for (const [key, stored] of changes.set) {
      if (canonicalJson(entries.get(key)) !== stored) entries.set(key, JSON.parse(stored))
    }
    return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`
  },
}

const jsonIn = (text: string): object => {
  if (text.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  } catch {
    // Said below.
  }
  throw noMap('JSON')
}

const yaml = ({ isMap, isScalar, parseDocument }: typeof import('yaml')): FileFormat => {
  const documentIn = (text: string): { document: Document; map: YAMLMap } => {
    const document = parseDocument(text, { uniqueKeys: false, intAsBigInt: false })
    document.contents ??= document.createNode({}) as ParsedNode
    if (document.errors.length > 0 || !isMap(document.contents)) throw noMap('YAML')
    return { document, map: document.contents }
  }
  const keyOf = ({ key }: Pair): string | null => {
    const value = isScalar(key) ? key.value : key
    return typeof value === 'string' ? value : null
  }
  const storedIn = (document: Document, { value }: Pair): Stored => {
    const node = value as { toJS?: (document: Document) => unknown } | null
    return canonicalJson(node?.toJS ? node.toJS(document) : node)
  }
  return {
    render: canonicalJson,
    read: (text) => {
      const { document, map } = documentIn(text)
      const found = new Map<string, Stored>()
      for (const pair of map.items) {
        const key = keyOf(pair)
        if (key !== null) found.set(key, storedIn(document, pair))
      }
      return found
    },
    change: (text, changes) => {
      const { document, map } = documentIn(text)
      const removed = new Set(changes.delete)
      map.items = map.items.filter((pair) => !removed.has(keyOf(pair) ?? '\0'))
      map.flow = false
      const pairs = new Map(map.items.map((pair) => [keyOf(pair), pair]))
      for (const [key, stored] of changes.set) {
        const pair = pairs.get(key)
        if (pair && storedIn(document, pair) === stored) continue
        const value = document.createNode(JSON.parse(stored))
        if (pair) pair.value = value
        else map.items.push(document.createPair(key, value))
      }
      return map.items.length === 0 && document.commentBefore === null
        ? ''
        : document.toString({ lineWidth: 0 })
    },
  }
}

export type FormatName = 'env' | 'ini' | 'properties' | 'json' | 'yaml'

export const formatOf = async (name: FormatName): Promise<FileFormat> =>
  name === 'yaml' ? yaml(await import('yaml')) : { env, ini, properties, json }[name]
