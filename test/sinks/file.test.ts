/** The file sink: every format on this machine, and by SFTP against a real sshd. */
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { conforms, removing, setting } from './conformance.ts'
import { closedPort } from './free-port.ts'
import { onPath } from './installed.ts'
import { startSsh, type SshServer } from './ssh-server.ts'
import { never, openSink, place } from './sink-under-test.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'headway-file-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const formats = ['env', 'json', 'yaml', 'ini', 'properties'] as const
type Format = (typeof formats)[number]

const at = (where: string, format: Format) => join(directory, where, `settings.${format}`)

/** What others wrote: our keys between theirs. */
const theirs: Record<Format, string> = {
  env: '# a comment\nexport A=1 # why\nB="two\nlines"\n\nC=\'$x\'\nours=old\n# the end\n',
  json: '{\n  "a": 1,\n  "ours": "old",\n  "b": [\n    2\n  ]\n}\n',
  yaml: '# a comment\na: 1 # why\nours: old\n\nb:\n  - 2 # two\n\n# the end\n',
  ini: '; a comment\na = 1\nours = old\n\n[part]\n# more\nb: "2"\n',
  properties: '# a comment\na=1\nb : two \\\n   lines\nours=old\n! the end\n',
}

for (const format of formats) {
  const names = {
    env: {
      strangeKeys: ['_', 'a.b', 'a-b', 'A1', '_x'],
      forbiddenKeys: { keys: ['with space', '1a', 'a=b', '', 'ü', 'a\n'], error: /cannot hold/ },
    },
    ini: {
      strangeKeys: ['a', 'a.b', 'a.b.c', 'ünï.c/d', '_', 'a*b', '__proto__', '%41.x', '😀'],
      forbiddenKeys: { keys: ['with space', '.a', 'a.', 'a=b', '', '#a', '[a'], error: /cannot/ },
    },
  }[format as 'env' | 'ini']
  conforms(`file, ${format},`, {
    type: 'file',
    options: (where) => ({ path: at(where, format), format }),
    ...names,
  })

  test(`${format}: what others wrote stays as it is, byte for byte`, async () => {
    const path = join(directory, `shared.${format}`)
    await writeFile(path, theirs[format])
    const sink = await openSink('file', { path, format })
    const held = await sink.read('all', never)
    expect(held.get('ours')).toBe(sink.render('old'))
    await sink.write(setting([['ours', sink.render('new')]]), place, never)
    expect(await readFile(path, 'utf8')).toBe(theirs[format].replace('old', 'new'))
    await sink.write(setting([['added', sink.render('x')]]), place, never)
    await sink.write(removing('added'), place, never)
    await sink.write(setting([['ours', sink.render('old')]]), place, never)
    expect(await readFile(path, 'utf8')).toBe(theirs[format])
    expect(await sink.read('all', never)).toEqual(held)
  })
}

describe('a file on this machine', () => {
  const open = (path: string) => openSink('file', { path, format: 'env' })
  const write = async (path: string) =>
    (await open(path)).write(setting([['a', '1']]), place, never)

  test('keeps its mode, and nothing is left beside it', async () => {
    const path = at('mode', 'env')
    await write(path)
    await chmod(path, 0o606)
    await (await open(path)).write(setting([['a', '2']]), place, never)
    expect((await stat(path)).mode & 0o7777).toBe(0o606)
    expect(await readdir(dirname(path))).toEqual(['settings.env'])
  })

  test('that is a symbolic link is refused, reading too', async () => {
    const path = join(directory, 'link.env')
    await writeFile(join(directory, 'target.env'), 'theirs=1\n')
    await symlink(join(directory, 'target.env'), path)
    await expect(write(path)).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining('symbolic link') as string,
    })
    const reading = (await open(path)).read('all', never)
    await expect(reading).rejects.toMatchObject({ retryable: false })
    expect(await readFile(join(directory, 'target.env'), 'utf8')).toBe('theirs=1\n')
  })

  test('a link that waits where the new content is written is not followed', async () => {
    const victim = join(directory, 'victim')
    await writeFile(victim, 'untouched')
    const path = join(directory, 'trap.env')
    await symlink(victim, join(directory, '.trap.env.new'))
    await write(path)
    expect(await readFile(victim, 'utf8')).toBe('untouched')
    expect(await readFile(path, 'utf8')).toBe('a=1\n')
  })

  test('that holds something else is left alone', async () => {
    for (const [format, text] of [
      ['json', '[1]'],
      ['json', '{"a":'],
      ['yaml', '- 1\n'],
      ['yaml', 'a: [\n'],
    ] as const) {
      const path = join(directory, `other.${format}`)
      await writeFile(path, text)
      const sink = await openSink('file', { path, format })
      const writing = sink.write(setting([['a', '1']]), place, never)
      await expect(writing).rejects.toMatchObject({ retryable: false })
      expect(await readFile(path, 'utf8')).toBe(text)
    }
  })

  test('ini: sections, new ones at the end, empty ones gone', async () => {
    const path = join(directory, 'sections.ini')
    await writeFile(path, 'top = 0\n\n[a]\nx = 1\n\n[b]\ny = 2\n')
    const sink = await openSink('file', { path, format: 'ini' })
    const added = { 'a.z': '3', 'c.d.e': '4', last: '5' }
    await sink.write({ set: new Map(Object.entries(added)), delete: ['b.y'] }, place, never)
    const after = 'top = 0\nlast = 5\n\n[a]\nx = 1\nz = 3\n\n[c.d]\ne = 4\n'
    expect(await readFile(path, 'utf8')).toBe(after)
  })
})

const program = onPath('sshd', 'openssh-server')

describe.runIf(program)('a file on another machine', () => {
  let server: SshServer
  beforeAll(async () => {
    server = await startSsh(program!)
  })
  afterAll(() => server?.stop())
  const remote = (where: string, format: Format = 'yaml') => ({
    path: at(`remote/${where}`, format),
    format,
    sftp: server.sftp,
  })

  conforms('file, sftp,', {
    type: 'file',
    options: (where) => remote(where),
    unreachable: () => ({ ...remote('a'), sftp: { ...server.sftp, port: closedPort } }),
    refused: () => ({
      options: { ...remote('a'), sftp: { ...server.sftp, privateKey: server.otherKey } },
      secrets: [server.otherKey, server.otherKey.split('\n')[1]!],
    }),
  })

  test('keeps its mode, and nothing is left beside it', async () => {
    const options = remote('mode')
    const sink = await openSink('file', options)
    await sink.write(setting([['a', '1']]), place, never)
    await chmod(options.path, 0o606)
    await sink.write(setting([['a', '2']]), place, never)
    expect((await stat(options.path)).mode & 0o7777).toBe(0o606)
    expect(await readdir(dirname(options.path))).toEqual(['settings.yaml'])
  })

  test('a host that shows another key gets nothing', async () => {
    const hostKey = `SHA256:${'A'.repeat(43)}`
    const options = { ...remote('stranger'), sftp: { ...server.sftp, hostKey } }
    const sink = await openSink('file', options)
    const writing = sink.write(setting([['a', '1']]), place, never)
    await expect(writing).rejects.toMatchObject({
      retryable: false,
      message: expect.stringContaining('another key') as string,
    })
    await expect(stat(options.path)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('a symbolic link is refused', async () => {
    const options = remote('linked')
    await (await openSink('file', options)).write(setting([['a', '1']]), place, never)
    const path = join(dirname(options.path), 'link.yaml')
    await symlink(options.path, path)
    const sink = await openSink('file', { ...options, path })
    const writing = sink.write(setting([['a', '2']]), place, never)
    await expect(writing).rejects.toMatchObject({ retryable: false })
  })
})
