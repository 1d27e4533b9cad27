/**
 * Reading a commit without ever writing a file: names and hashes by `ls-tree`, bytes by `cat-file`.
 * Links and submodules are named and left out, and so are names that no file can safely have; what is
 * too big or too many is refused, because leaving a file out would mean that its keys go.
 */
import { GitError } from './error.ts'

export type Listed = {
  readonly path: string
  readonly hash: string
  readonly type: 'file' | 'link' | 'submodule' | 'unsafe'
}

export type Details = {
  readonly author: string
  readonly authoredAt: string
  readonly message: string
}

export const limits = {
  /** Entries of a commit's whole tree. */
  entries: 500_000,
  files: 2_000,
  fileBytes: 4 * 1024 * 1024,
  totalBytes: 32 * 1024 * 1024,
} as const

const textMax = 1_000
const lfsPointer = 'version https://git-lfs.github.com/spec/'

/** Nothing on any disk may be meant by it but a plain file below the root. */
const isSafePath = (path: string): boolean =>
  !/\p{Control}|\\|\uFFFD/u.test(path) &&
  path.length <= textMax &&
  path.split('/').every((part) => !/^(\.{0,2}|\.git|git~\d+)$/i.test(part.trim()))

const typeOf = (mode: string, path: string): Listed['type'] => {
  if (mode === '160000') return 'submodule'
  if (mode === '120000') return 'link'
  return isSafePath(path) ? 'file' : 'unsafe'
}

/** Reads what `ls-tree -r -z` prints. */
export const listOf = (printed: Buffer): readonly Listed[] => {
  const lines = printed.toString('utf8').split('\0')
  if (lines.length > limits.entries)
    throw new GitError('too_large', `the commit has more than ${limits.entries} files`, false)
  return lines.flatMap((line) => {
    const tab = line.indexOf('\t')
    if (tab < 0) return []
    const [mode = '', , hash = ''] = line.slice(0, tab).split(' ')
    const path = line.slice(tab + 1)
    return [{ path, hash, type: typeOf(mode, path) }]
  })
}

/** Throws when files are more, or bigger, than configuration ever is. `sizes` in the files' order. */
export const checkSizes = (files: readonly Listed[], sizes: readonly number[]): void => {
  if (files.length > limits.files)
    throw new GitError(
      'too_large',
      `${files.length} files, at most ${limits.files} are taken`,
      false,
    )
  let total = 0
  for (const [index, { path }] of files.entries()) {
    const size = sizes[index]!
    total += size
    if (size > limits.fileBytes)
      throw new GitError(
        'too_large',
        `${path} has ${size} bytes, at most ${limits.fileBytes} are taken`,
        false,
      )
  }
  if (total > limits.totalBytes)
    throw new GitError('too_large', `${total} bytes, at most ${limits.totalBytes} are taken`, false)
}

/** Reads what `cat-file --batch-check` prints: sizes, or null for what is not there. */
export const sizesOf = (printed: Buffer): readonly (number | null)[] =>
  printed
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (line.endsWith(' missing') ? null : Number(line.split(' ')[2])))

/** Reads what `cat-file --batch` prints, object by object. */
export const blobsOf = (printed: Buffer, count: number): readonly Buffer[] => {
  const blobs: Buffer[] = []
  let at = 0
  while (blobs.length < count) {
    const end = printed.indexOf(10, at)
    const [, type, size] = printed.subarray(at, end).toString('utf8').split(' ')
    if (end < 0 || type !== 'blob')
      throw new GitError('git_failed', 'an object of the commit cannot be read', true)
    at = end + 1 + Number(size)
    blobs.push(printed.subarray(end + 1, at))
    at++
  }
  return blobs
}

/** Bytes that are kept elsewhere are not the file. */
export const checkPointer = ({ path }: Listed, bytes: Buffer): void => {
  if (bytes.subarray(0, lfsPointer.length).toString('latin1') !== lfsPointer) return
  const why = `${path} is kept by Git LFS: what the repository holds is not the file`
  throw new GitError('too_large', why, false)
}

const plain = (text: string): string =>
  text
    .replaceAll(/\p{Control}|\p{Surrogate}/gu, ' ')
    .trim()
    .slice(0, textMax)

/** Reads what `log --format=%an <%ae>%x00%aI%x00%s` prints. */
export const detailsOf = (printed: Buffer): Details => {
  const [author = '', authoredAt = '', message = ''] = printed.toString('utf8').split('\0')
  return { author: plain(author), authoredAt: plain(authoredAt), message: plain(message) }
}
