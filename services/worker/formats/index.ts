/**
 * The formats of configuration files, one line each. A file's name says what it is; where it does not,
 * its first lines do, in this order.
 */
import type { Plain } from '@headway/schemas/rules/value.ts'
import { decode } from './decode.ts'
import { Source } from './source.ts'

export { FormatError } from './source.ts'

type Format = {
  readonly names: RegExp
  /** What a text looks like, comments left out. */
  readonly looks: RegExp
  load(): Promise<{ readonly parse: (source: Source) => Plain }>
}

const typed = String.raw`["'[{]|true\b|false\b|[-+]?\d`

export const formats = {
  json: { names: /\.json$/, looks: /^[{[]\s*(?:["{}[\]]|$)/, load: () => import('./json.ts') },
  xml: { names: /\.xml$/, looks: /^</, load: () => import('./xml.ts') },
  hcl: {
    names: /\.(?:hcl|tf|tfvars)$/,
    looks: /^[\w-]+(?:[ \t]+(?:"[^"\n]*"|[\w-]+))*[ \t]*\{[ \t]*$/m,
    load: () => import('./hcl.ts'),
  },
  toml: {
    names: /\.toml$/,
    looks: new RegExp(String.raw`^(?:\[{1,2}[^\n]*\]\s*)*[\w."-]+[ \t]*=[ \t]+(?:${typed})`),
    load: () => import('./toml.ts'),
  },
  ini: { names: /\.(?:ini|cfg)$/, looks: /^\[[^\]\n]+\][ \t]*$/m, load: () => import('./ini.ts') },
  yaml: {
    names: /\.ya?ml$/,
    looks: /^(?:---|%YAML|- |(?:[\w./-]+|"[^"\n]*"|'[^'\n]*')[ \t]*:(?:[ \t]|$))/m,
    load: () => import('./yaml.ts'),
  },
  env: {
    names: /(?:^|\/|\.)env(?:\.[\w-]+)*$/,
    looks: /^(?:export[ \t]+)?[A-Za-z_]\w*=/,
    load: () => import('./env.ts'),
  },
  properties: {
    names: /\.properties$/,
    looks: /^[^\s=:]+[ \t]*=/,
    load: () => import('./properties.ts'),
  },
} as const satisfies Readonly<Record<string, Format>>

export type FormatName = keyof typeof formats
const named = Object.entries(formats) as [FormatName, Format][]

/** The text from its first line that is not blank or a comment. */
const beginning = (text: string): string => text.replace(/^(?:\s+|[#;!][^\r\n]*|\/\/[^\r\n]*)*/, '')

export const formatOf = (file: string, text: string): FormatName | null => {
  const name = file.toLowerCase()
  const byName = named.find(([, { names }]) => names.test(name))
  if (byName) return byName[0]
  const start = beginning(text)
  return named.find(([, { looks }]) => looks.test(start))?.[0] ?? null
}

/** What a file says; null for one that says nothing. Throws `FormatError`. */
export const parseFile = async (file: string, bytes: Uint8Array): Promise<Plain> => {
  const source = new Source(file, decode(file, bytes))
  if (source.text.trim() === '') return null
  const format = formatOf(file, source.text)
  if (!format)
    return source.fail(0, 'no format that is known: name it after what it is, such as .yaml')
  const { parse } = await formats[format].load()
  return parse(source)
}
