/**
 * The house rules, as a test. Each message ends with what to do instead.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const rooms = ['fetcher', 'debounce', 'worker', 'projector', 'api', 'cli', 'console']
const tops = ['schemas', 'streams', 'services', 'deploy', 'test']

const walk = (directory: string): string[] =>
  readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') return []
    const path = join(directory, entry.name)
    return entry.isDirectory() ? walk(path) : [path]
  })

const sources = tops
  .flatMap((top) => walk(join(root, top)))
  .filter((path) => /\.(tsx?|mjs)$/.test(path))
  .map((path) => ({ name: relative(root, path), text: readFileSync(path, 'utf8') }))
  .filter(({ text }) => !text.startsWith('// Generated from'))
const isTest = (name: string) => name.startsWith('test/') || name.endsWith('.test.ts')
const product = sources.filter(({ name }) => !isTest(name))

const importsOf = ({ name, text }: { name: string; text: string }): string[] =>
  [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, target]) =>
    target!.startsWith('.')
      ? relative(root, resolve(root, dirname(name), target!))
      : target!
          .replace(/^@headway\/(schemas|streams|deploy)\//, '$1/')
          .replace(/^@headway\/(\w+)\//, 'services/$1/'),
  )

const broken = (files: typeof sources, rule: (file: (typeof sources)[number]) => unknown) =>
  files.filter((file) => rule(file)).map(({ name }) => name)

describe('size', () => {
  test('no source is longer than 300 lines, no test than 500: split it by what it is about', () => {
    const long = broken(
      sources,
      ({ name, text }) => text.split('\n').length > (isTest(name) ? 501 : 301),
    )
    expect(long).toEqual([])
  })

  test('no line is longer than 110 characters: format, then split what is left', () => {
    const wide = broken(sources, ({ text }) => text.split('\n').some((line) => line.length > 110))
    expect(wide).toEqual([])
  })
})

describe('who imports whom', () => {
  const imports = (from: RegExp, forbidden: RegExp) =>
    product
      .filter(({ name }) => from.test(name))
      .flatMap((file) =>
        importsOf(file)
          .filter((target) => forbidden.test(target))
          .map((target) => `${file.name} → ${target}`),
      )

  test('schemas import nothing of ours and do no I/O: put it behind a port', () => {
    expect(imports(/^schemas\//, /^(streams|services|deploy|test)\//)).toEqual([])
    expect(imports(/^schemas\//, /^node:(fs|net|http|child_process|worker_threads|os)/)).toEqual([])
  })

  test('streams import schemas only: rooms come to the doors, not the other way', () => {
    expect(imports(/^streams\//, /^(services|deploy|test)\//)).toEqual([])
  })

  test('only streams talk to NATS: use a port of schemas/ports.ts', () => {
    const others = imports(/^(schemas|services|deploy)\//, /^@nats-io\//)
    expect(others).toEqual([])
  })

  test('rooms never import each other: say it on the log', () => {
    for (const room of rooms) {
      const others = rooms.filter((other) => other !== room).join('|')
      expect(
        imports(new RegExp(`^services/${room}/`), new RegExp(`^services/(${others})/`)),
      ).toEqual([])
    }
  })

  test('deciders and read models are pure: take time, ids and facts as values', () => {
    const pure =
      /^(services\/\w+\/decider|services\/projector\/read-models\/.*|schemas\/asset)\.ts$/
    expect(imports(pure, /^(node:|streams\/|pg$|undici$)/)).toEqual([])
    const impure = broken(
      product.filter(({ name }) => pure.test(name)),
      ({ text }) =>
        /Date\.now|new Date\(\)|Math\.random|setTimeout|process\.|performance\./.test(text),
    )
    expect(impure).toEqual([])
  })

  test('nothing imports test', () => {
    expect(imports(/./, /^test\//)).toEqual([])
  })
})

describe('words', () => {
  test('no subject is written outside streams/subjects.ts: use its functions', () => {
    const literal = /['"`]headway\.(\*|\$\{|[a-z]+\.)/
    const files = product.filter(({ name }) => name !== 'streams/subjects.ts')
    const lines = files.flatMap(({ name, text }) =>
      text
        .split('\n')
        .filter((line) => literal.test(line) && !/^\s*(\*|\/\/)/.test(line))
        .map((line) => `${name}: ${line.trim()}`),
    )
    expect(lines.filter((line) => !/ce-type|headway\.(Commit|\$\{first)|yaml/.test(line))).toEqual(
      [],
    )
  })

  test('no any, TODO, console, default export or process.exit: say it properly', () => {
    const banned = /\bTODO\b|\bFIXME\b|console\.(log|error|warn)|export default|process\.exit\(/
    const allowed = /^(deploy\/headway\.mjs)$/
    expect(broken(product, ({ name, text }) => !allowed.test(name) && banned.test(text))).toEqual(
      [],
    )
    const contract = /^(services\/worker\/(steps\/step|pipeline)|schemas\/content\/registry)\.ts$/
    const loose = broken(
      product,
      ({ name, text }) =>
        !contract.test(name) && /^(?!\s*(\*|\/\/)).*([:<]\s*any\b|as any\b)/m.test(text),
    )
    expect(loose).toEqual([])
  })

  test('no folder or file is called utils, helpers, common or lib: name what it is', () => {
    expect(
      broken(sources, ({ name }) => /(^|\/)(utils?|helpers?|common|lib|misc)(\/|\.|$)/.test(name)),
    ).toEqual([])
  })
})

describe('traps', () => {
  test('a deadline among other signals is made where Node 20 keeps it', () => {
    const lost = broken(sources, ({ text }) =>
      /AbortSignal\.any\(\[[^\]]*AbortSignal\.timeout/.test(text),
    )
    expect(lost).toEqual([])
  })
})

describe('completeness', () => {
  test('every invariant of the design is named by a test', () => {
    const titles = sources
      .filter(({ name }) => name.endsWith('.test.ts'))
      .map(({ text }) => text)
      .join('\n')
    const later = new Set(['I13'])
    const unnamed = Array.from({ length: 18 }, (_, i) => `I${i + 1}`).filter(
      (id) => !later.has(id) && !titles.includes(`[${id}]`),
    )
    expect(unnamed).toEqual([])
  })

  test('every source is imported by another one or started by somebody', () => {
    const targets = new Set(sources.flatMap((file) => importsOf(file)))
    const started =
      /(^|\/)(main|start|pipeline|[a-z-]*thread|headway|closing-line)\.(tsx?|mjs)$|\.test\.ts$|^test\//
    const mentioned = sources.map(({ text }) => text).join('\n')
    const dead = broken(
      product,
      ({ name }) =>
        !started.test(name) && !targets.has(name) && !mentioned.includes(name.split('/').at(-1)!),
    )
    expect(dead).toEqual([])
  })
})
