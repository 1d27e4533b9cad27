/**
 * Changes a file that others read and write, too.
 *
 * The new content is written beside the old, flushed, and renamed over it: a reader sees one or the other,
 * and so does whoever comes after a crash. Mode and owner of the old file stay. Between reading and
 * renaming we hold `.<name>.lock`, so that two of us never undo each other; a lock whose process is gone,
 * or that is older than any change takes, is broken.
 */
import { lstat, open, readFile, readlink, rename, rm, stat, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isOwnerGone, lockOwner } from './lock-owner.ts'
import { SinkError } from './sink.ts'

const lockMsMax = 30_000

/** `change` is given the content, null when there is no file, and gives the content to be. */
export const changeFile = async (
  path: string,
  change: (content: string | null) => Promise<string>,
  signal: AbortSignal,
): Promise<void> => {
  const lock = join(dirname(path), `.${basename(path)}.lock`)
  await takeLock(lock, signal)
  try {
    const before = await contentOf(path)
    const wanted = await change(before)
    signal.throwIfAborted()
    if (wanted !== before) await replaceFile(path, wanted)
  } finally {
    await rm(lock, { force: true })
  }
}

export const contentOf = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

const takeLock = async (lock: string, signal: AbortSignal): Promise<void> => {
  for (const endsAt = Date.now() + lockMsMax; ;) {
    try {
      // A link is made at once, with its content: nobody can die between the two.
      await symlink(lockOwner(), lock)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    if (await isLeftBehind(lock)) await rm(lock, { force: true })
    else await delay(5 + Math.random() * 10, undefined, { signal })
    if (Date.now() > endsAt) throw new SinkError(`${lock} is held by another`, { retryable: true })
  }
}

const isLeftBehind = async (lock: string): Promise<boolean> => {
  const [held, owner] = await Promise.all([
    lstat(lock).catch(() => null),
    readlink(lock).catch(() => ''),
  ])
  if (held === null) return false
  if (Date.now() - held.mtimeMs > lockMsMax) return true
  return isOwnerGone(owner)
}

/** Only under the lock: what an earlier writer left beside the file is written over. */
const replaceFile = async (path: string, content: string): Promise<void> => {
  const old = await stat(path).catch(() => null)
  const beside = join(dirname(path), `.${basename(path)}.new`)
  try {
    await rm(beside, { force: true })
    const file = await open(beside, 'wx', old?.mode ?? 0o644)
    try {
      await file.writeFile(content)
      if (old) {
        await file.chown(old.uid, old.gid).catch(() => {})
        await file.chmod(old.mode)
      }
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
