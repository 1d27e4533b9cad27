/**
 * Changes a file that others read and write, too.
 *
 * The new content is written beside the old, flushed, and renamed over it: a reader sees one or the other,
 * and so does whoever comes after a crash. Mode and owner of the old file stay. Between reading and
 * renaming we hold `.<name>.lock`, so that two of us never undo each other.
 */
import { open, readFile, readlink, rename, rm, stat, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { underLock, type LockPlace } from './lock.ts'

/** `change` is given the content, null when there is no file, and gives the content to be. */
export const changeFile = async (
  path: string,
  change: (content: string | null) => Promise<string>,
  signal: AbortSignal,
): Promise<void> => {
  const lock = join(dirname(path), `.${basename(path)}.lock`)
  await underLock(links, lock, signal, async () => {
    const before = await contentOf(path)
    const wanted = await change(before)
    signal.throwIfAborted()
    if (wanted !== before) await replaceFile(path, wanted)
  })
}

export const contentOf = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** A link is made at once, with its text: nobody can die between the two. */
const links: LockPlace = {
  make: async (name, text) => {
    try {
      await symlink(text, name)
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
      throw error
    }
  },
  read: (name) => readlink(name).catch(() => null),
  remove: (name) => rm(name, { force: true }),
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
