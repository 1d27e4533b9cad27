/**
 * The helm sink: values files on disk, and, where they are installed, releases by the real `helm` in a real
 * Kubernetes API server.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { conforms, removing, setting } from './conformance.ts'
import { installed } from './installed.ts'
import { startKubeApiServer } from './kube-apiserver.ts'
import { never, openSink, place } from './sink-under-test.ts'

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'headway-helm-'))))
afterAll(() => rm(folder, { recursive: true }))

const fileOf = (where: string) => join(folder, where, 'values.yaml')
const theirs = `# The shop.
image:
  tag: "1.0" # pinned
# ours
config:
  a:
    theirs: kept # by hand
replicas: 3
`
const foreign = {
  put: async (where: string) => {
    await mkdir(join(folder, where))
    await writeFile(fileOf(where), theirs)
  },
  look: (where: string) => readFile(fileOf(where), 'utf8'),
}

conforms('helm, nested,', {
  type: 'helm',
  options: (where) => ({ file: fileOf(where), at: 'config' }),
  strangeKeys: [
    'with space',
    'ünïcode',
    'a/b',
    'a..b',
    '%41',
    '<tag>"q"',
    '*',
    '$a',
    ':{x}',
    'yes',
  ],
  foreign,
})

conforms('helm, flat,', {
  type: 'helm',
  options: (where) => ({ file: fileOf(where), at: 'config', keys: 'flat' }),
  foreign,
})

describe('a values file', () => {
  const opened = async (where: string, content: string, at?: string) => {
    await mkdir(join(folder, where))
    await writeFile(fileOf(where), content)
    return openSink('helm', { file: fileOf(where), ...(at ? { at } : {}) })
  }

  test('keeps its comments and order; only what changed is different', async () => {
    const sink = await opened('comments', theirs, 'config')
    await sink.write(
      setting([
        ['a.port', '8080'],
        ['b', '"on"'],
      ]),
      place,
      never,
    )
    expect(await readFile(fileOf('comments'), 'utf8')).toBe(
      theirs.replace('by hand\n', 'by hand\n    port: 8080\n  b: "on"\n'),
    )
    expect(await readdir(join(folder, 'comments'))).toEqual(['values.yaml'])
  })

  test('an empty name is a map; a value is no place for keys', async () => {
    const sink = await opened('places', 'db:\nname: shop\n')
    await sink.write(setting([['db.host', '"h"']]), place, never)
    expect(await sink.read('all', never)).toEqual(
      new Map([
        ['db.host', '"h"'],
        ['name', '"shop"'],
      ]),
    )
    const writing = sink.write(setting([['name.first', '1']]), place, never)
    await expect(writing).rejects.toMatchObject({ retryable: false })
    await sink.write(removing('name'), place, never)
    expect(await readFile(fileOf('places'), 'utf8')).toBe('db:\n  host: h\n')
  })

  test('whose writer died is free again', async () => {
    const sink = await opened('locked', theirs)
    const child = spawnSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' })
    const lock = join(folder, 'locked', '.values.yaml.lock')
    await symlink(`${child.stdout.trim()} ${hostname()}`, lock)
    await sink.write(setting([['a', '1']]), place, never)
    expect(await readdir(join(folder, 'locked'))).toEqual(['values.yaml'])
  })

  test('that is no YAML is left alone, with its place in the error', async () => {
    const sink = await opened('broken', 'a: [1\nb: 2\n')
    await expect(sink.write(setting([['c', '1']]), place, never)).rejects.toMatchObject({
      message: expect.stringMatching(/values\.yaml:\d+:\d+: .*left alone/) as string,
      retryable: false,
    })
    expect(await readFile(fileOf('broken'), 'utf8')).toBe('a: [1\nb: 2\n')
  })

  test('is not written when there is no helm to release it', async () => {
    const upgrade = { release: 'shop', chart: folder, program: join(folder, 'no-helm') }
    const sink = await openSink('helm', { file: fileOf('unreleased'), upgrade })
    await expect(sink.write(setting([['a', '1']]), place, never)).rejects.toMatchObject({
      message: expect.stringMatching(/there is no program .*no-helm/) as string,
      retryable: false,
    })
    expect(await sink.read('all', never)).toEqual(new Map())
  })
})

const program = installed('helm')
const apiServer = installed('kube-apiserver')

describe.runIf(program && apiServer)('a release by helm', () => {
  let cluster: Awaited<ReturnType<typeof startKubeApiServer>>
  let chart: string
  beforeAll(async () => {
    cluster = await startKubeApiServer(apiServer!)
    chart = join(folder, 'chart')
    await mkdir(join(chart, 'templates'), { recursive: true })
    await writeFile(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: shop\nversion: 1.0.0\n')
    await writeFile(
      join(chart, 'templates', 'config.yaml'),
      `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  port: {{ .Values.config.port | quote }}
`,
    )
  })
  afterAll(() => cluster?.stop())

  const upgradeOf = (release: string) => ({
    release,
    chart,
    namespace: 'default',
    kubeconfig: cluster.kubeconfig,
    program: program!,
  })
  const ported = async (release: string) => {
    const sink = await openSink('configmap', { name: release, kubeconfig: cluster.kubeconfig })
    const found = await sink.read('all', never)
    await sink.close()
    return found.get('port')
  }
  const revision = (release: string) => {
    const args = ['history', release, '--kubeconfig', cluster.kubeconfig, '--output', 'json']
    return (JSON.parse(execFileSync(program!, args, { encoding: 'utf8' })) as unknown[]).length
  }

  test('follows the file, and once only', async () => {
    const options = { file: fileOf('released'), at: 'config', upgrade: upgradeOf('shop') }
    const sink = await openSink('helm', options)
    await sink.write(setting([['port', '8080']]), place, never)
    expect(await ported('shop')).toBe('8080')
    await sink.write(setting([['port', '8080']]), place, never)
    expect(revision('shop')).toBe(1)
    await sink.write(setting([['port', '9090']]), place, never)
    expect([await ported('shop'), revision('shop')]).toEqual(['9090', 2])
  })

  test('is made good when the attempt before died between file and release', async () => {
    const file = fileOf('half')
    const before = await openSink('helm', { file, at: 'config' })
    await before.write(setting([['port', '1']]), place, never)
    const sink = await openSink('helm', { file, at: 'config', upgrade: upgradeOf('half') })
    await sink.write(setting([['port', '1']]), place, never)
    expect(await ported('half')).toBe('1')
  })

  test('into a cluster that is gone is worth another attempt', async () => {
    const kubeconfig = join(folder, 'gone.kubeconfig')
    const config = await readFile(cluster.kubeconfig, 'utf8')
    await writeFile(kubeconfig, config.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:1'))
    const upgrade = { ...upgradeOf('gone'), kubeconfig }
    const sink = await openSink('helm', { file: fileOf('gone'), at: 'config', upgrade })
    const writing = sink.write(setting([['port', '1']]), place, never)
    await expect(writing).rejects.toMatchObject({ retryable: true })
  })
})
