import { describe, expect, test } from 'vitest'
import { formatOf, parseFile } from './index.ts'
import { depthMax, FormatError } from './source.ts'

const read = (file: string, text: string) => parseFile(file, Buffer.from(text))
const problemOf = async (file: string, text: string | Uint8Array): Promise<string> => {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  const error = await parseFile(file, bytes).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(FormatError)
  return (error as FormatError).message
}

describe('types are kept', () => {
  test('JSON', async () => {
    const text =
      '{"a": 1, "b": 1.5, "c": true, "d": null, "e": "x\\u00e9\\n", "f": [1, {}], "g": {}}'
    expect(await read('a.json', text)).toEqual(JSON.parse(text))
  })

  test('YAML', async () => {
    const text = [
      'base: &base { host: db, port: 5432 }',
      'prod: { <<: *base, port: 6432 }',
      'yes: yes',
      'on: true',
      'octal: 0o17',
      'when: 2026-11-21',
      'empty:',
      '8080: text',
    ].join('\n')
    expect(await read('a.yml', text)).toEqual({
      base: { host: 'db', port: 5432 },
      prod: { host: 'db', port: 6432 },
      yes: 'yes',
      on: true,
      octal: 15,
      when: '2026-11-21',
      empty: null,
      8080: 'text',
    })
  })

  test('TOML', async () => {
    const text = 'a = 1\nb = "x"\nwhen = 2026-11-21T12:00:00Z\n[c]\nd = [1, 2]\n[[e]]\nf = true\n'
    const when = '2026-11-21T12:00:00.000Z'
    expect(await read('a.toml', text)).toEqual({
      a: 1,
      b: 'x',
      when,
      c: { d: [1, 2] },
      e: [{ f: true }],
    })
  })

  test('HCL', async () => {
    const text = `
      # a comment
      name = "shop" // another
      ports = [80, 443,]
      on    = true /* and one */
      text = <<-END
        first
          second
        END
      service "web" "blue" { replicas = 2 }
      service "web" "green" {
        labels = { team = "a", "x.y": null }
      }
      rule { id = 1 }
      rule { id = 2 }
    `
    expect(await read('a.hcl', text)).toEqual({
      name: 'shop',
      ports: [80, 443],
      on: true,
      text: 'first\n  second\n',
      service: {
        web: { blue: { replicas: 2 }, green: { labels: { team: 'a', 'x.y': null } } },
      },
      rule: [{ id: 1 }, { id: 2 }],
    })
  })
})

describe('formats of texts alone', () => {
  test('.env', async () => {
    const text = `# top\nexport A=1\nB='x # $y' # said\nC="two\nlines\\t\\"q\\""\nD= bare value # no\nE=\n`
    expect(await read('.env', text)).toEqual({
      A: '1',
      B: 'x # $y',
      C: 'two\nlines\t"q"',
      D: 'bare value',
      E: '',
    })
  })

  test('properties', async () => {
    const text = '! top\na.b = 1\nc: x\\\n   y\nd\\ e \\u00e9\nempty\n'
    expect(await read('a.properties', text)).toEqual({
      'a.b': '1',
      c: 'xy',
      'd e': 'é',
      empty: '',
    })
  })

  test('INI', async () => {
    const text = '; top\nname = shop\n[db]\nhost: "a b"\n[web]\nport=80\n[db]\nuser=u;v\n'
    expect(await read('a.ini', text)).toEqual({
      name: 'shop',
      db: { host: 'a b', user: 'u;v' },
      web: { port: '80' },
    })
  })

  test('XML', async () => {
    const text =
      '<?xml version="1.0"?><c a="1"><!-- no --><b>x &amp; y</b><d/><d>2</d><e f="3">z</e></c>'
    expect(await read('a.xml', text)).toEqual({
      c: { '@a': '1', b: 'x & y', d: ['', '2'], e: { '@f': '3', '#text': 'z' } },
    })
  })
})

describe('what a file is', () => {
  test.each([
    ['config/app.JSON', '', 'json'],
    ['.env.production', '', 'env'],
    ['prod.env', '', 'env'],
    ['main.tf', '', 'hcl'],
    ['setup.cfg', '', 'ini'],
    ['x.conf', '# top\n{"a": 1}', 'json'],
    ['x.conf', '<a/>', 'xml'],
    ['x.conf', 'service "a" {\n}', 'hcl'],
    ['x.conf', '[db]\nhost = "x"', 'toml'],
    ['x.conf', '[db]\nhost=x', 'ini'],
    ['x.conf', 'a: 1\nb: 2', 'yaml'],
    ['x.conf', 'A_B=1', 'env'],
    ['x.conf', 'a.b=1', 'properties'],
    ['x.conf', 'lorem ipsum', null],
  ])('%s %j is %s', (file, text, format) => {
    expect(formatOf(file, text)).toBe(format)
  })

  test('is an error when nothing tells', async () => {
    expect(await problemOf('x.conf', 'lorem ipsum')).toMatch(/^x\.conf:1:1: .*name it after/)
  })

  test('UTF-8 and UTF-16 with a byte order mark', async () => {
    const utf16 = Buffer.from('\uFEFF{"a": "é"}', 'utf16le')
    expect(await parseFile('a.json', Buffer.from('\uFEFF{"a": "é"}'))).toEqual({ a: 'é' })
    expect(await parseFile('a.json', utf16)).toEqual({ a: 'é' })
    expect(await parseFile('a.json', Buffer.from(utf16).swap16())).toEqual({ a: 'é' })
  })

  test('is nothing when it is blank', async () => {
    expect(await read('a.json', ' \n')).toBeNull()
    expect(await read('a.yaml', '# only this\n')).toBeNull()
  })
})

describe('an error names file, line and column', () => {
  test.each([
    ['a.json', '{\n  "a": 1,\n  "a": 2}', '3:3', 'line 2'],
    ['a.json', '{"a": }', '1:7', 'expected a value'],
    ['a.json', '{"a": 9007199254740993}', '1:7', 'write it as text'],
    ['a.json', '{"a": 1} x', '1:10', 'end of the file'],
    ['a.yaml', 'a: 1\na: 2', '2:1', 'line 1'],
    ['a.yaml', 'a: [1', '1:6', ''],
    ['a.yaml', 'a: 12345678901234567890', '1:4', 'write it as text'],
    ['a.yaml', 'a: .inf', '1:4', 'not finite'],
    ['a.yaml', 'a: !secret x', '1:4', ''],
    ['a.yaml', 'a: 1\n---\nb: 2', '2:1', ''],
    ['a.toml', 'a = 1\na = 2', '2:1', ''],
    ['a.toml', 'a = 12345678901234567890', '1:5', ''],
    ['.env', 'A=1\nB', '2:2', 'expected ='],
    ['.env', 'A="x', '1:3', 'close it'],
    ['a.properties', 'a=1\na=2', '2:1', 'line 1'],
    ['a.ini', '[a]\nx', '2:1', 'expected [section]'],
    ['a.ini', '[a]\nx=1\n[a]\nx=2', '4:1', 'line 2'],
    ['a.xml', '<a>\n<b></a>', '2:', 'close tag'],
    ['a.hcl', 'a = 1\nb = var.x', '2:5', 'computed'],
    ['a.hcl', 'a = "${b}"', '1:6', 'template'],
    ['a.hcl', 'a = 1 + 2', '1:7', 'expression'],
    ['a.hcl', 'a = 1\na = 2', '2:1', 'already'],
    ['a.hcl', 'a {\n', '2:1', 'expected a name or }'],
  ])('%s %j', async (file, text, place, said) => {
    const problem = await problemOf(file, text)
    expect(problem.startsWith(`${file}:${place}`), problem).toBe(true)
    expect(problem).toContain(said)
  })

  test('and bytes that are no text', async () => {
    const bytes = Buffer.from([...Buffer.from('{\n"a": "'), 0xff])
    expect(await problemOf('a.json', bytes)).toMatch(/^a\.json:2:7: not utf-8 text/)
  })
})

describe('hostile files are harmless', () => {
  test('a bomb of YAML aliases', async () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
    for (let i = 1; i < 12; i++)
      lines.push(`a${i}: &a${i} [${Array.from({ length: 10 }, () => `*a${i - 1}`).join(', ')}]`)
    expect(await problemOf('a.yaml', lines.join('\n'))).toContain('more than 200000 values')
  })

  test('a YAML alias that holds itself', async () => {
    expect(await problemOf('a.yaml', 'a: &a [*a]')).toContain('holds itself')
  })

  test('XML entities and external ones', async () => {
    const bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    const outside = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'
    expect(await problemOf('a.xml', bomb)).toContain('DOCTYPE')
    expect(await problemOf('a.xml', outside)).toContain('DOCTYPE')
    expect(await problemOf('a.xml', '<x>&a;</x>')).toMatch(/^a\.xml:1:/)
  })

  test.each([
    ['a.json', (depth: number) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`],
    ['a.yaml', (depth: number) => `a: ${'['.repeat(depth)}${']'.repeat(depth)}`],
    ['b.yaml', (depth: number) => `a: ${'- '.repeat(depth)}x`],
    ['a.toml', (depth: number) => `a = ${'['.repeat(depth)}${']'.repeat(depth)}`],
    ['a.hcl', (depth: number) => `a = ${'['.repeat(depth)}${']'.repeat(depth)}`],
    ['a.xml', (depth: number) => `${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}`],
  ])('%s that is deep', async (file, text) => {
    expect(await problemOf(file, text(depthMax + 2))).toMatch(/:\d+:\d+: /)
    expect(await problemOf(file, text(50_000))).toMatch(/:\d+:\d+: /)
  })

  test.each([
    ['a.json', '{"__proto__": {"polluted": 1}}'],
    ['a.yaml', '__proto__: { polluted: 1 }'],
    ['a.toml', '[__proto__]\npolluted = 1'],
    ['a.env', '__proto__=1'],
    ['a.properties', '__proto__=1'],
    ['a.ini', '[__proto__]\npolluted=1'],
    ['a.xml', '<x><__proto__><polluted>1</polluted></__proto__></x>'],
    ['a.hcl', '__proto__ { polluted = 1 }'],
  ])('%s with the prototype as a key', async (file, text) => {
    expect(await problemOf(file, text)).toMatch(/__proto__/)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('a file that is too big', async () => {
    expect(await problemOf('a.env', Buffer.alloc(5 * 2 ** 20, 'A'))).toContain('split the file')
  })
})
