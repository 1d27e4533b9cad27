import { execFileSync } from 'node:child_process'
import {
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  chmodSync,
  existsSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { addressOf, isPrivate, type Place } from '@headway/fetcher/git/address.ts'
import { GitError, openGit, type GitOptions, type Visit } from '@headway/fetcher/git.ts'
import { resolveSecret } from '@headway/streams/secrets.ts'
import { Repository, serveGit, type GitServer } from './git-world.ts'

/** Exact commits of real repositories, over file:// and over HTTP, and of those that mean harm. */
const never = new AbortController().signal
const canary = 'canary-91e2c7'
let root = ''
let cache = ''
let server: GitServer
let shop: Repository
const names: string[] = []

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'headway-git-'))
  server = await serveGit(root)
  shop = new Repository(root, 'acme/shop')
  process.env.GIT_CANARY = canary
})
afterAll(() => {
  server.close()
  for (const path of [root, ...names]) rmSync(path, { recursive: true, force: true })
})
beforeEach(() => {
  server.password = null
  server.interrupt = null
  cache = mkdtempSync(join(tmpdir(), 'headway-git-cache-'))
  names.push(cache)
})

const open = (options: Partial<GitOptions> = {}) =>
  openGit({ directory: cache, secret: resolveSecret, ...options })
const at = (url: string, more: Partial<Place> = {}): Place => ({
  tenant: 'default',
  source: 'acme',
  platform: 'github',
  url,
  allowPrivateHosts: true,
  repository: 'acme/shop',
  ...more,
})
const ways = [
  ['file', () => at(`file://${root}`)],
  ['http', () => at(server.url)],
] as const
const main = 'refs/heads/main'
const textOf = async (visit: Visit, wanted = /./) => {
  const listed = (await visit.list()).filter(
    ({ type, path }) => type === 'file' && wanted.test(path),
  )
  const files = await visit.read(listed)
  return Object.fromEntries(files.map(({ path, bytes }) => [path, bytes.toString()]))
}
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => (error instanceof GitError ? error.type : error),
  )

describe.each(ways)('over %s', (way, place) => {
  test('[B4.14] the pushed commit is read, not the newest one of its branch', async () => {
    const first = shop.commit({ 'a.yaml': 'first' })
    const second = shop.commit({ 'a.yaml': 'second', 'b.yaml': 'b' })
    const git = open()
    const look = (visit: Visit) =>
      textOf(visit).then((files) => ({ files, commit: visit.commit, tip: visit.tip }))
    expect(await git.visit(place(), { ref: main, commit: first }, never, look)).toEqual({
      files: { 'a.yaml': 'first' },
      commit: first,
      tip: second,
    })
    const newer = await git.visit(place(), { ref: main, commit: second }, never, look)
    expect(newer.files).toEqual({ 'a.yaml': 'second', 'b.yaml': 'b' })
  })

  test('who came before whom, and who wrote what', async () => {
    const first = shop.commit({ a: '1' })
    const second = shop.commit({ a: '2' }, { message: 'the second\n\nmore' })
    const other = shop.commit({ a: '3' }, { ref: 'refs/heads/other', from: first })
    await open().visit(place(), { ref: main, commit: second }, never, async (visit) => {
      expect(await visit.isAncestor(first, second)).toBe(true)
      expect(await visit.isAncestor(second, first)).toBe(false)
      expect(await visit.isAncestor(other, second)).toBe(false)
      expect(await visit.details()).toMatchObject({
        author: 'Ann <ann@example.org>',
        message: 'the second',
      })
    })
  })

  test('a commit that a force push took away, a ref that is gone, a commit that never was', async () => {
    const ref = 'refs/heads/moved'
    const lost = shop.commit({ a: 'lost' }, { ref, from: null as never })
    const kept = shop.commit({ a: 'kept' }, { ref, from: null as never })
    const git = open()
    const tips = ({ commit, tip }: Visit) => Promise.resolve({ commit, tip })
    expect(await git.visit(place(), { ref, commit: lost }, never, tips)).toEqual({
      commit: lost,
      tip: kept,
    })
    shop.git(['update-ref', '-d', ref])
    expect(await git.visit(place(), { ref, commit: kept }, never, tips)).toEqual({
      commit: kept,
      tip: null,
    })
    const commit = '1'.repeat(40)
    expect(await git.visit(place(), { ref: main, commit }, never, tips)).toEqual({
      commit: null,
      tip: shop.tip(),
    })
  })

  test.each(['refs/pull/42/head', 'refs/merge-requests/42/head', 'refs/pull-requests/42/from'])(
    '[B4.13] %s is fetched like any other',
    async (ref) => {
      const commit = shop.commit({ 'a.yaml': ref }, { ref })
      expect(await open().visit(place(), { ref, commit }, never, (visit) => textOf(visit))).toEqual(
        {
          'a.yaml': ref,
        },
      )
      expect((await open().refs(place(), never)).get(ref)).toBe(commit)
    },
  )

  test('an annotated tag leads to its commit', async () => {
    const commit = shop.commit({ a: 'tagged' })
    shop.git(['tag', '-f', '-a', '-m', 'x', `v-${way}`, commit])
    const ref = `refs/tags/v-${way}`
    const tag = shop.tip(ref)!
    expect(tag).not.toBe(commit)
    const commits = await open().visit(place(), { ref, commit: tag }, never, async (visit) => [
      visit.commit,
      visit.tip,
    ])
    expect(commits).toEqual([commit, commit])
    expect((await open().refs(place(), never)).get(ref)).toBe(commit)
  })

  test('[B4.9] what is not there is an error, never an empty answer', async () => {
    const missing = { ...place(), repository: 'acme/nothing' }
    const look = () => Promise.resolve('looked')
    const target = { ref: main, commit: '1'.repeat(40) }
    expect(await failure(open().visit(missing, target, never, look))).toBe('not_found')
    expect(await failure(open().refs(missing, never))).toBe('not_found')
  })

  test('a repository that broke on disk is made anew', async () => {
    const commit = shop.commit({ 'a.yaml': 'whole' })
    const git = open()
    const read = () => git.visit(place(), { ref: main, commit }, never, (visit) => textOf(visit))
    await read()
    const name = readdirSync(cache)[0]
    rmSync(join(cache, name!, 'objects'), { recursive: true })
    expect(await read()).toEqual({ 'a.yaml': 'whole' })
    writeFileSync(join(cache, name!, 'HEAD'), 'nonsense')
    expect(await read()).toEqual({ 'a.yaml': 'whole' })
  })
})

describe('a server that can leave out bytes', () => {
  test('is asked for those of the wanted files only, at once', async () => {
    const partial = new Repository(root, 'acme/partial')
    partial.git(['config', 'uploadpack.allowFilter', 'true'])
    const files = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [`config/${i}.yaml`, `value ${i}`]),
    )
    const commit = partial.commit({ ...files, 'huge.bin': Buffer.alloc(20_000_000, 'x') })
    const place = at(server.url, { repository: 'acme/partial' })
    const before = server.asked.length
    const read = await open({ packBytesMax: 5_000_000 }).visit(
      place,
      { ref: main, commit },
      never,
      (visit) => textOf(visit, /yaml$/),
    )
    expect(read).toEqual(files)
    const posts = server.asked.slice(before).filter((line) => line.startsWith('POST'))
    expect(posts.length).toBeLessThan(8)
  })
})

describe('credentials', () => {
  test('reach the server, and nothing else [I14]', async () => {
    const commit = shop.commit({ 'a.yaml': 'private' })
    server.password = `x-access-token:${canary}`
    const place = at(server.url, { token: 'env:GIT_CANARY' })
    const read = await open().visit(place, { ref: main, commit }, never, (visit) => textOf(visit))
    expect(read).toEqual({ 'a.yaml': 'private' })
    expect(() => execFileSync('grep', ['-rl', canary, cache])).toThrow('Command failed')
    expect(server.asked.join(' ')).not.toContain(canary)
  })

  test('that are wrong are an error that does not tell them [I14]', async () => {
    server.password = 'x-access-token:another'
    const told = await open()
      .refs(at(server.url, { token: 'env:GIT_CANARY' }), never)
      .catch((error: unknown) => error as GitError)
    expect(told).toMatchObject({ type: 'unauthorized', retryable: false })
    expect(String((told as GitError).stack)).not.toContain(canary)
    expect(await failure(open().refs(at(server.url, { token: 'env:NOT_THERE' }), never))).toBe(
      'secret_missing',
    )
  })

  test('are no part of a command line [I14]', async () => {
    const lines: string[] = []
    server.interrupt = (_, response) => {
      lines.push(execFileSync('ps', ['-eo', 'args']).toString())
      response.writeHead(503).end()
      return true
    }
    await failure(open().refs(at(server.url, { token: 'env:GIT_CANARY' }), never))
    expect(lines.join('')).toContain('ls-remote')
    expect(lines.join('')).not.toContain(canary)
    expect(lines.join('')).not.toContain(Buffer.from(canary).toString('base64').slice(0, 12))
  })
})

describe('trouble', () => {
  test('of a moment is told apart from that which stays', async () => {
    server.interrupt = (_, response) => Boolean(response.writeHead(503).end())
    const error = await open()
      .refs(at(server.url), never)
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ type: 'unreachable', retryable: true })
    const closed = at('http://127.0.0.1:1')
    expect(await failure(open().refs(closed, never))).toBe('unreachable')
  })

  test('a server that never answers is left in time, with all that git started', async () => {
    server.interrupt = () => true
    const begun = performance.now()
    expect(await failure(open({ fetchMsMax: 500 }).refs(at(server.url), never))).toBe('timeout')
    expect(performance.now() - begun).toBeLessThan(10_000)
    expect(execFileSync('ps', ['-eo', 'args']).toString()).not.toContain(server.url)
  })

  test('a fetcher that stops leaves at once [I16]', async () => {
    server.interrupt = () => true
    const stop = new AbortController()
    const looking = failure(open().refs(at(server.url), stop.signal))
    stop.abort()
    expect(await looking).toBe('stopped')
  })

  test('no git program is a sentence that says what to do', async () => {
    const path = process.env.PATH
    process.env.PATH = '/nonexistent'
    const error = await open()
      .refs(at(server.url), never)
      .catch((thrown: unknown) => thrown)
    process.env.PATH = path
    expect(error).toMatchObject({ type: 'git_missing', retryable: false })
    expect(String(error)).toContain('install git')
  })

  test('a redirect leads nowhere', async () => {
    server.interrupt = (request, response) =>
      Boolean(response.writeHead(302, { location: `http://localhost${request.url}` }).end())
    expect(await failure(open().refs(at(server.url), never))).toBe('address_refused')
  })
})

describe('the cache', () => {
  test('is bounded, lets go of what was used longest ago, and survives a restart', async () => {
    const repositories = ['one', 'two', 'three', 'four', 'five', 'six'].map((name) => {
      const repository = new Repository(root, `many/${name}`)
      return {
        place: at(`file://${root}`, { repository: `many/${name}` }),
        commit: repository.commit({ a: name }),
      }
    })
    const bounds = { countMax: 2 }
    for (const { place, commit } of repositories)
      await open(bounds).visit(place, { ref: main, commit }, never, (visit) => textOf(visit))
    expect(readdirSync(cache).length).toBeLessThanOrEqual(4)
    const { place, commit } = repositories.at(-1)!
    const before = readdirSync(cache)
    await open(bounds).visit(place, { ref: main, commit }, never, (visit) => textOf(visit))
    expect(readdirSync(cache)).toEqual(before)
  })

  test('holds half-made and half-gone repositories for nobody', async () => {
    const left = join(cache, 'abc.new-1')
    execFileSync('git', ['init', '--quiet', '--bare', left])
    execFileSync('touch', ['-d', '3 hours ago', left])
    const commit = shop.commit({ a: 'x' })
    await open().visit(at(`file://${root}`), { ref: main, commit }, never, (visit) => textOf(visit))
    expect(existsSync(left)).toBe(false)
  })

  test('is used by many at once, of one process and of two', async () => {
    const commits = Array.from({ length: 12 }, (_, i) => shop.commit({ a: `${i}` }))
    const gits = [open(), open()]
    const seen = await Promise.all(
      commits.map((commit, i) =>
        gits[i % 2]!.visit(at(`file://${root}`), { ref: main, commit }, never, (visit) =>
          textOf(visit),
        ),
      ),
    )
    expect(seen).toEqual(commits.map((_, i) => ({ a: `${i}` })))
  })
})

describe('an address', () => {
  const lookup = (addresses: Readonly<Record<string, readonly string[]>>) => async (host: string) =>
    addresses[host] ?? []
  const address = (more: Partial<Place>, addresses: readonly string[] = ['140.82.112.3']) => {
    const place = at('https://git.example', { allowPrivateHosts: false, ...more })
    return failure(addressOf(place, lookup({ 'git.example': addresses })))
  }

  test('of a public host is pinned to what was looked at', async () => {
    const place = at('https://git.example', { allowPrivateHosts: false })
    expect(
      await addressOf(place, lookup({ 'git.example': ['140.82.112.3', '140.82.112.4'] })),
    ).toEqual({
      url: 'https://git.example/acme/shop.git',
      protocol: 'https',
      pin: 'git.example:443:140.82.112.3,140.82.112.4',
    })
  })

  test.each([
    ['loopback', ['127.0.0.1']],
    ['private', ['10.1.2.3']],
    ['link-local, where clouds keep their keys', ['169.254.169.254']],
    ['one private of several', ['140.82.112.3', '192.168.0.1']],
    ['loopback of IPv6', ['::1']],
    ['IPv4 in IPv6', ['::ffff:7f00:1']],
    ['unique local', ['fd00::1']],
    ['behind NAT64', ['64:ff9b::a00:1']],
  ])('that leads to a private host is refused: %s', async (_, addresses) => {
    expect(await address({}, addresses)).toBe('address_refused')
  })

  test.each([
    'http://127.0.0.1',
    'http://[::1]',
    'http://2130706433',
    'http://0x7f.1',
    'http://[::ffff:10.0.0.1]',
  ])('%s is a private host, however it is written', async (url) => {
    expect(await address({ url })).toBe('address_refused')
  })

  test.each([
    ['../../etc', 'climbs'],
    ['acme/../../x', 'climbs in the middle'],
    ['acme//shop', 'has an empty part'],
    ['/etc', 'is absolute'],
    ['acme/shop?x=1', 'holds a query'],
    ['acme/shop#x', 'holds a fragment'],
    ['acme/sh op', 'holds a space'],
    ['acme/shop\n', 'holds a line break'],
    ['@evil.example/x', 'names a user'],
    ['-u/x', 'is an option'],
    ['acme/%2e%2e', 'is encoded'],
    ['acme\\shop', 'holds a backslash'],
  ])('of a repository that %s is refused: it %s', async (repository) => {
    expect(await address({ repository })).toBe('address_refused')
  })

  test.each([
    'ssh://git.example',
    'git://git.example',
    'ext::sh -c x',
    'https://me:secret@git.example',
  ])('of a source at %s is refused', async (url) => {
    expect(await address({ url })).toBe('address_refused')
  })

  test('of a file needs a word, and stays in its folder', async () => {
    expect(await address({ url: `file://${root}` })).toBe('address_refused')
    const outside = new Repository(mkdtempSync(join(tmpdir(), 'headway-git-')), 'x')
    names.push(join(outside.directory, '..'))
    symlinkSync(outside.directory, join(root, 'acme', 'linked.git'))
    const linked = at(`file://${root}`, { repository: 'acme/linked' })
    expect(await failure(addressOf(linked))).toBe('address_refused')
  })

  test('is public when it is', () => {
    expect(['140.82.112.3', '2606:50c0:8000::153', '8.8.8.8'].filter(isPrivate)).toEqual([])
  })

  test.each([
    '--upload-pack=x',
    'refs/heads/../x',
    'refs/heads/a b',
    'main',
    'refs/heads/a:b',
    'refs/heads/*',
  ])('of a ref such as %s is no ref', async (ref) => {
    const look = () => Promise.resolve()
    const target = { ref, commit: '1'.repeat(40) }
    expect(await failure(open().visit(at(`file://${root}`), target, never, look))).toBe(
      'address_refused',
    )
    const option = { ref: main, commit: '--exec=x' }
    expect(await failure(open().visit(at(`file://${root}`), option, never, look))).toBe(
      'address_refused',
    )
  })
})

describe('a hostile repository', () => {
  const place = () => at(`file://${root}`, { repository: 'acme/hostile' })
  let hostile: Repository
  beforeAll(() => {
    hostile = new Repository(root, 'acme/hostile')
  })
  const visit = <T>(commit: string, look: (visit: Visit) => Promise<T>) =>
    open().visit(place(), { ref: main, commit }, never, look)

  test('with links and submodules: they are named, and never followed', async () => {
    const commit = hostile.commit({
      'a.yaml': 'x',
      'link.yaml': { link: '/etc/passwd' },
      module: { submodule: '1'.repeat(40) },
      '.gitmodules': '[submodule "module"]\npath = module\nurl = --upload-pack=touch /tmp/owned\n',
    })
    const listed = await visit(commit, (it) => it.list())
    expect(Object.fromEntries(listed.map(({ path, type }) => [path, type]))).toMatchObject({
      'a.yaml': 'file',
      'link.yaml': 'link',
      module: 'submodule',
    })
    expect(Object.keys(await visit(commit, (it) => textOf(it)))).toEqual(['.gitmodules', 'a.yaml'])
  })

  test('with names that climb: they are named, and are no files', async () => {
    const blob = hostile.git(['hash-object', '-w', '--stdin'], 'x')
    const inner = hostile.git(['mktree'], `100644 blob ${blob}\tpasswd\n`)
    const names = ['..', '.git', 'a\\b', '.GIT']
    const lines = names.map((name) => `040000 tree ${inner}\t${name}\n`).join('')
    const outer = hostile.git(['mktree'], `${lines}100644 blob ${blob}\tgood.yaml\n`)
    const commit = hostile.git(['commit-tree', '-m', 'x', outer])
    hostile.move(main, commit)
    const listed = await visit(commit, (it) => it.list())
    expect(Object.fromEntries(listed.map(({ path, type }) => [path, type]))).toEqual({
      '../passwd': 'unsafe',
      '.GIT/passwd': 'unsafe',
      '.git/passwd': 'unsafe',
      'a\\b/passwd': 'unsafe',
      'good.yaml': 'file',
    })
  })

  test('with hooks, filters and attributes: none of them runs', async () => {
    const owned = join(root, 'owned')
    for (const hook of ['post-checkout', 'reference-transaction', 'post-merge', 'pre-auto-gc']) {
      writeFileSync(join(hostile.directory, 'hooks', hook), `#!/bin/sh\ntouch ${owned}\n`)
      chmodSync(join(hostile.directory, 'hooks', hook), 0o755)
    }
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n'
    const commit = hostile.commit({
      '.gitattributes': '* filter=lfs\n',
      'a.yaml': 'x',
      'b.bin': pointer,
    })
    rmSync(owned, { force: true })
    expect(await visit(commit, (it) => textOf(it, /yaml/))).toEqual({ 'a.yaml': 'x' })
    expect(existsSync(owned)).toBe(false)
    await expect(visit(commit, (it) => textOf(it, /bin/))).rejects.toThrow('kept by Git LFS')
  })

  test('with a blob of 60 MB: it is not read, and the others are', async () => {
    const commit = hostile.commit({ 'a.yaml': 'x', 'huge.yaml': Buffer.alloc(60_000_000) })
    expect(await visit(commit, (it) => textOf(it, /^a/))).toEqual({ 'a.yaml': 'x' })
    await expect(visit(commit, (it) => textOf(it))).rejects.toThrow(/huge.yaml has 60000000 bytes/)
    const small = open({ packBytesMax: 20_000_000, directory: join(cache, 'small') })
    const looking = small.visit(place(), { ref: main, commit }, never, (it) => textOf(it, /^a/))
    expect(await failure(looking)).toBe('too_large')
  }, 60_000)

  test('with 100,000 files: the few that are wanted are read, all of them never', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 100_000 }, (_, i) => [`d/${i % 100}/${i}.txt`, '']),
    )
    const commit = hostile.commit({ ...many, 'a.yaml': 'x' }, { from: null as never })
    expect(await visit(commit, (it) => textOf(it, /yaml$/))).toEqual({ 'a.yaml': 'x' })
    await expect(visit(commit, (it) => textOf(it))).rejects.toThrow(/100001 files/)
  }, 60_000)
})
