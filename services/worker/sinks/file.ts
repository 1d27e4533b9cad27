/**
 * A file that programs read their settings from, on this machine or on another one by SFTP.
 *
 * The file is shared: only our keys are changed, and whoever reads it sees the old file or the new one
 * (written beside, flushed, renamed). Mode and owner stay; a symbolic link is refused, because a rename
 * would replace it. Formats and what they keep are in file-formats.ts.
 */
import { lstat, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Type } from '../options.ts'
import { changeFile, contentOf } from './change-file.ts'
import { formatOf } from './file-formats.ts'
import { sftpOptions, sftpPlace } from './sftp.ts'
import { SinkError, type SinkType } from './sink.ts'

const options = Type.Object({
  path: Type.String({ pattern: '^/' }),
  format: Type.Enum(['env', 'json', 'yaml', 'ini', 'properties']),
  /** Another machine; this one when left out. */
  sftp: Type.Optional(sftpOptions),
})

/** Where the file is: its content, null when there is none, and a change of it. */
export type FilePlace = {
  read(signal: AbortSignal): Promise<string | null>
  change(to: (content: string | null) => string, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

export const file: SinkType<typeof options> = {
  type: 'file',
  options,
  open: async (given) => {
    const format = await formatOf(given.format)
    const place = given.sftp ? await sftpPlace(given.sftp, given.path) : localPlace(given.path)
    return {
      render: format.render,
      async read(keys, signal) {
        signal.throwIfAborted()
        const found = format.read((await place.read(signal)) ?? '')
        if (keys === 'all') return found
        const wanted = new Set(keys)
        return new Map([...found].filter(([key]) => wanted.has(key)))
      },
      async write(changes, _, signal) {
        signal.throwIfAborted()
        await place.change((content) => format.change(content ?? '', changes), signal)
      },
      close: () => place.close(),
    }
  },
}

const localPlace = (path: string): FilePlace => ({
  read: (signal) =>
    guarded(path, signal, async () => {
      await refuseLink(path)
      return contentOf(path)
    }),
  change: (to, signal) =>
    guarded(path, signal, async () => {
      await mkdir(dirname(path), { recursive: true })
      const change = async (content: string | null) => {
        await refuseLink(path)
        return to(content)
      }
      await changeFile(path, change, signal)
    }),
  close: async () => {},
})

const refuseLink = async (path: string): Promise<void> => {
  const found = await lstat(path).catch(() => null)
  if (found === null || found.isFile()) return
  const what = found.isSymbolicLink() ? 'a symbolic link' : 'no file'
  throw new SinkError(`file: ${path} is ${what}; it is left alone`, { retryable: false })
}

/** Another attempt does not change who may do what, or where something else stands. */
const refusals = new Set(['EACCES', 'EPERM', 'EROFS', 'EISDIR', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'])

const guarded = async <T>(path: string, signal: AbortSignal, act: () => Promise<T>): Promise<T> => {
  try {
    return await act()
  } catch (error) {
    signal.throwIfAborted()
    const { code } = error as NodeJS.ErrnoException
    if (error instanceof SinkError || code === undefined) throw error
    throw new SinkError(`file: ${path}: ${code}`, { retryable: !refusals.has(code) })
  }
}
