/** `deploy/configuration.md` says what proves each of its rows; here it is held to that. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sinkTypes } from '@headway/worker/sinks/index.ts'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const page = readFileSync(join(root, 'deploy/configuration.md'), 'utf8')

const testsBelow = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return testsBelow(path)
    return path.endsWith('.test.ts') ? [path] : []
  })
const tests = ['schemas', 'services', 'test'].flatMap(testsBelow)

const rowsOf = (text: string): readonly (readonly string[])[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    )
const [features, sinks] = page.split('## Sinks') as [string, string]

const proofs = [
  ...rowsOf(features)
    .filter(([first]) => first !== 'what')
    .map((row) => row.at(-1)!),
  ...(sinks.match(/`kill` [^)]*/g) ?? []),
]

/** What the tests of a file are called; those that are skipped or commented out are no tests. */
const titlesIn = (path: string): readonly string[] => {
  const source = readFileSync(join(root, path), 'utf8').replaceAll(
    /^\s*(?:\/\*[^]*?\*\/|\/\/.*$)/gm,
    '',
  )
  const calls = source.matchAll(/(?:\b(?:test|describe)|\))\(\s*(['"`])((?:\\.|(?!\1)[^])*)\1/g)
  return [...calls].map(([, , title = '']) => title)
}

const isThere = (proof: string): boolean => {
  const [, name = '', title = ''] = /^`([^`]+)` (.+)$/s.exec(proof) ?? []
  const isMeant = (path: string) =>
    `${relative(dirname(dirname(path)), path)}` === `${name}.test.ts` ||
    basename(path) === `${name}.test.ts`
  return tests
    .filter(isMeant)
    .some((path) => title !== '' && titlesIn(path).some((one) => one.includes(title)))
}

test('every proof that the page names is a test', () => {
  const all = proofs.flatMap((cell) => cell.replaceAll('\n', ' ').split('; '))
  expect(all.length).toBeGreaterThan(60)
  expect(all.filter((proof) => !isThere(proof))).toEqual([])
})

test('every sink is in the table', () => {
  const named = rowsOf(sinks).flatMap(([first]) => /^`(\w+)`$/.exec(first!)?.[1] ?? [])
  expect(named.toSorted()).toEqual(sinkTypes.map(({ type }) => type).toSorted())
})
