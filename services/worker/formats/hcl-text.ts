/** The words of HCL: what lies between things, names, texts in quotes and heredocs. */
import type { Scanner } from './scanner.ts'

const comment = String.raw`#[^\r\n]*|//[^\r\n]*|/\*[^]*?\*/`
const blank = new RegExp(String.raw`(?:[ \t\r\n]+|${comment})*`, 'y')
const space = new RegExp(String.raw`(?:[ \t]+|${comment})*`, 'y')
const word = /[\p{L}_][\p{L}\p{N}_-]*/uy
const hex4 = /[0-9a-fA-F]{4}/y
const hex8 = /[0-9a-fA-F]{8}/y
const opening = /<<-?([A-Za-z_][A-Za-z0-9_-]*)[ \t]*(?:\r\n|\n)/y
const line = /([^\r\n]*)(\r\n|\n|$)/y
const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
}

/** Everything that means nothing, over lines. */
export const skipBlank = (scanner: Scanner): void => void scanner.match(blank)
/** The same, up to the end of the line. */
export const skipSpace = (scanner: Scanner): void => void scanner.match(space)
export const wordOf = (scanner: Scanner): string | null => scanner.match(word)

const refused = 'a template: write the value itself, or $${ and %%{ for the characters'

/** One character of a text, whatever it takes to write it; templates are refused. */
const templated = (scanner: Scanner): string => {
  if (scanner.take('$${')) return '${'
  if (scanner.take('%%{')) return '%{'
  if (scanner.startsWith('${') || scanner.startsWith('%{')) scanner.fail(refused)
  const { next } = scanner
  scanner.at++
  return next
}

const readEscape = (scanner: Scanner): string => {
  const { next } = scanner
  scanner.at++
  if (next === 'u' || next === 'U') {
    const code = Number.parseInt(scanner.match(next === 'u' ? hex4 : hex8) ?? '', 16)
    if (!(code <= 0x10_ff_ff)) scanner.fail(`\\${next} is followed by the digits of a character`)
    return String.fromCodePoint(code)
  }
  const character = escapes[next]
  if (character === undefined)
    scanner.fail('an escape that HCL does not have: write \\\\ for \\', scanner.at - 1)
  return character
}

export const readQuoted = (scanner: Scanner): string => {
  const start = scanner.at
  scanner.at++
  let text = ''
  while (!scanner.isEnd && scanner.next !== '\n') {
    if (scanner.take('"')) return text
    text += scanner.take('\\') ? readEscape(scanner) : templated(scanner)
  }
  return scanner.fail('a text that never ends: close it with "', start)
}

/** `<<END … END`; `<<-END` takes the indentation that all lines share away. */
export const readHeredoc = (scanner: Scanner): string => {
  const start = scanner.at
  const isIndented = scanner.startsWith('<<-')
  const head = scanner.match(opening)
  if (head === null) return scanner.fail('expected <<NAME alone at the end of the line')
  const end = head.replace(/^<<-?/, '').trim()
  const lines: string[] = []
  for (;;) {
    if (scanner.isEnd) return scanner.fail(`a text that never ends: close it with ${end}`, start)
    const from = scanner.at
    const whole = scanner.match(line)!
    if (whole.trim() === end) {
      scanner.at = from + whole.trimEnd().length
      break
    }
    const template = /(?<!\$)\$\{|(?<!%)%\{/.exec(whole)
    if (template) scanner.fail(refused, from + template.index)
    lines.push(
      whole
        .replace(/\r?\n$/, '')
        .replaceAll('$${', '${')
        .replaceAll('%%{', '%{'),
    )
  }
  const indents = lines.filter((one) => one.trim()).map((one) => one.search(/\S/))
  const indent = isIndented && indents.length > 0 ? Math.min(...indents) : 0
  return lines.map((one) => `${one.slice(indent)}\n`).join('')
}
