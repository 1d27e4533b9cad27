import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findSnapshot, LoadError, takeSnapshot, versionOf, versionOfAll } from './folder.ts'

let root: string
const files = { 'pipeline.ts': 'export {}', 'steps/one.ts': '1', 'data/z.csv': 'a,b' }
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'headway-folder-'))
  await write('p', files)
})
afterEach(() => rm(root, { recursive: true, force: true }))

const write = async (folder: string, content: Readonly<Record<string, string>>) => {
  for (const [name, text] of Object.entries(content)) {
    const path = join(root, folder, name)
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, text)
  }
}
const version = (folder = 'p') => versionOf(join(root, folder))

describe('a version', () => {
  test('is the same for the same paths and bytes, in whatever order and when written', async () => {
    await write('q', Object.fromEntries(Object.entries(files).reverse()))
    await utimes(join(root, 'q', 'pipeline.ts'), 1, 1)
    expect(await version('q')).toBe(await version())
    expect(await version()).toMatch(/^[0-9a-f]{12}$/)
  })

  test.each([
    ['a byte', { 'pipeline.ts': 'export {} ' }],
    ['a new file', { 'steps/two.ts': '' }],
    ['bytes that moved between files', { 'steps/one.ts': '', 'data/z.csv': '1a,b' }],
  ])('changes with %s', async (_, change) => {
    const before = await version()
    await write('p', change)
    expect(await version()).not.toBe(before)
  })

  test('changes when a path grows by what its bytes lose', async () => {
    await write('short', { a: 'bc' })
    await write('long', { ab: 'c' })
    expect(await version('short')).not.toBe(await version('long'))
  })

  test('changes with a path', async () => {
    const before = await version()
    await cp(join(root, 'p/steps'), join(root, 'p/steps2'), { recursive: true })
    await rm(join(root, 'p/steps'), { recursive: true })
    expect(await version()).not.toBe(before)
  })

  test('does not see hidden files and node_modules', async () => {
    const before = await version()
    await write('p', { '.swp': 'x', 'steps/.DS_Store': 'x', 'node_modules/m/index.js': 'x' })
    expect(await version()).toBe(before)
  })

  test('of a folder with a link is refused with the reason', async () => {
    await symlink('/etc/hostname', join(root, 'p/host'))
    await expect(version()).rejects.toThrow(/host is a link: a pipeline folder holds files/)
  })

  test('of several does not depend on their order', () => {
    expect(versionOfAll(['b', 'a'])).toBe(versionOfAll(['a', 'b']))
    expect(versionOfAll(['a'])).not.toBe(versionOfAll(['b']))
  })
})

describe('a copy', () => {
  test('holds what counts and has the version it is called after', async () => {
    await write('p', { '.secret': 'x', 'node_modules/m/index.js': 'x' })
    const { version: taken, path } = await takeSnapshot(root, 'p')
    expect(await versionOf(path)).toBe(taken)
    expect((await readdir(path)).sort()).toEqual(['data', 'pipeline.ts', 'steps'])
    expect(await findSnapshot(root, 'p', taken)).toBe(path)
    expect(await findSnapshot(root, 'p', '000000000000')).toBeNull()
  })

  test('stays as it was when the folder is edited', async () => {
    const before = await takeSnapshot(root, 'p')
    await write('p', { 'pipeline.ts': 'edited' })
    const after = await takeSnapshot(root, 'p')
    expect(after.version).not.toBe(before.version)
    expect(await readFile(join(before.path, 'pipeline.ts'), 'utf8')).toBe('export {}')
  })

  test('taken by twenty at once is one copy, and no draft stays behind', async () => {
    const taken = await Promise.all(Array.from({ length: 20 }, () => takeSnapshot(root, 'p')))
    expect(new Set(taken.map(({ path }) => path)).size).toBe(1)
    expect(await readdir(join(root, '.releases/p'))).toEqual([taken[0]!.version])
  })

  test('taken while the folder is written to is a state the folder had', async () => {
    const states = new Set([await version()])
    const writing = (async () => {
      for (let i = 0; i < 20; i++)
        for (const name of ['steps/one.ts', 'data/z.csv']) {
          await write('p', { [name]: String(i) })
          states.add(await version())
        }
    })()
    for (let i = 0; i < 5; i++) {
      const { version: taken, path } = await takeSnapshot(root, 'p')
      expect(await versionOf(path)).toBe(taken)
    }
    await writing
    expect(states).toContain((await takeSnapshot(root, 'p')).version)
  })

  test('of a folder that is not there is refused with its path', async () => {
    await expect(takeSnapshot(root, 'nowhere')).rejects.toThrow(LoadError)
    await expect(takeSnapshot(root, 'nowhere')).rejects.toThrow(`no folder ${root}/nowhere`)
  })
})
