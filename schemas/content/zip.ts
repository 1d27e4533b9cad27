import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib'
import { type InspectLimits, Refusal, inspectLimits } from './kind.ts'
import {
  centralSignature,
  endBytes,
  endSignature,
  listEntries,
  localSignature,
  malformed,
} from './zip-directory.ts'

/**
 * Zip archives: reading entries lazily, writing them deterministically.
 *
 * An entry keeps its compressed bytes. Inflating is done on demand, bounded by the size the
 * directory promised and proved by the CRC; writing copies an untouched entry as it came, which
 * saves deflating it again (190 ms for the stop_times of Sound Transit).
 *
 * What comes out of zlib may differ between Node versions, so these bytes never name a version.
 */

export type ZipEntry = {
  readonly name: string
  readonly crc: number
  /** Bytes once expanded. */
  readonly size: number
  /** 0 is stored, 8 is deflated. */
  readonly method: number
  readonly compressed: Buffer
}

export type Archive = {
  readonly entries: readonly ZipEntry[]
  /** Bytes found after the end of the archive. */
  readonly trailingBytes: number
}

const utf8Flag = 0x800

export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** True when the bytes begin like an archive, whole or not. */
export const looksLikeZip = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 &&
  bytes[1] === 0x4b &&
  ((bytes[2] === 3 && bytes[3] === 4) || (bytes[2] === 5 && bytes[3] === 6))

const isJunk = (name: string) =>
  name.endsWith('/') ||
  name.startsWith('__MACOSX/') ||
  name.includes('/__MACOSX/') ||
  /(^|\/)\.DS_Store$/.test(name)

/** The folder all names are in, with its slash; empty when they share none. */
const sharedFolder = (names: readonly string[]): string => {
  const [first] = names
  if (first === undefined) return ''
  let folder = first.slice(0, first.lastIndexOf('/') + 1)
  while (folder && !names.every((name) => name.startsWith(folder)))
    folder = folder.slice(0, folder.lastIndexOf('/', folder.length - 2) + 1)
  return folder
}

/** Lists the files of an archive, without the folder they all are in. Throws `Refusal`. */
export const readZip = (bytes: Uint8Array, limits: InspectLimits = inspectLimits): Archive => {
  const archive = asBuffer(bytes)
  if (!looksLikeZip(archive)) throw malformed('the bytes do not begin like a zip archive')
  const { entries, trailingBytes } = listEntries(archive, limits)
  const files = entries.filter((entry) => !isJunk(entry.name))
  const folder = sharedFolder(files.map((file) => file.name))
  return {
    entries: files.map(({ name, crc, size, method, start, end }) => ({
      name: name.slice(folder.length),
      crc,
      size,
      method,
      compressed: archive.subarray(start, end),
    })),
    trailingBytes,
  }
}

/** The bytes of an entry, proved by their length and checksum. Throws `Refusal`. */
export const expand = (entry: ZipEntry): Buffer => {
  const bytes = entry.method === 0 ? entry.compressed : inflate(entry)
  if (bytes.length !== entry.size)
    throw malformed(`${entry.name} has ${bytes.length} bytes; its header says ${entry.size}`)
  if (crc32(bytes) !== entry.crc) throw malformed(`${entry.name} does not match its checksum`)
  return bytes
}

/** One output chunk of the promised size halves the time of inflating a large entry. */
const inflate = ({ name, size, compressed }: ZipEntry): Buffer => {
  try {
    return inflateRawSync(compressed, { maxOutputLength: size + 1, chunkSize: size + 64 })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ERR_BUFFER_TOO_LARGE')
      throw new Refusal('zip_bomb', `${name} expands beyond the ${size} bytes its header says`)
    throw malformed(`${name} cannot be inflated (${String(code)})`)
  }
}

/** Makes an entry from new content. */
export const packEntry = (name: string, content: Uint8Array): ZipEntry => {
  const deflated = deflateRawSync(content, { level: 6, chunkSize: 2 ** 20 })
  const smaller = deflated.length < content.length
  return {
    name,
    crc: crc32(content),
    size: content.length,
    method: smaller ? 8 : 0,
    compressed: smaller ? deflated : asBuffer(content),
  }
}

/** The 26 bytes that a local header and a directory record have in common. */
const describe = (entry: ZipEntry, nameBytes: number): Buffer => {
  const common = Buffer.alloc(26)
  common.writeUInt16LE(20, 0)
  common.writeUInt16LE(utf8Flag, 2)
  common.writeUInt16LE(entry.method, 4)
  common.writeUInt16LE(0, 6)
  common.writeUInt16LE(0x21, 8) // 1980-01-01, the first day of DOS
  common.writeUInt32LE(entry.crc, 10)
  common.writeUInt32LE(entry.compressed.length, 14)
  common.writeUInt32LE(entry.size, 18)
  common.writeUInt16LE(nameBytes, 22)
  return common
}

/** Writes an archive: entries by name, no clock, no time zone. Equal entries give equal bytes. */
export const writeZip = (entries: readonly ZipEntry[]): Buffer => {
  const byName = entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const local: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const entry of byName) {
    const name = Buffer.from(entry.name)
    const common = describe(entry, name.length)
    const localHead = Buffer.alloc(4)
    localHead.writeUInt32LE(localSignature)
    const centralHead = Buffer.alloc(6)
    centralHead.writeUInt32LE(centralSignature)
    centralHead.writeUInt16LE(20, 4)
    const centralTail = Buffer.alloc(14)
    centralTail.writeUInt32LE(offset, 10)
    local.push(localHead, common, name, entry.compressed)
    central.push(centralHead, common, centralTail, name)
    offset += 30 + name.length + entry.compressed.length
  }
  const directoryBytes = central.reduce((sum, part) => sum + part.length, 0)
  const end = Buffer.alloc(endBytes)
  end.writeUInt32LE(endSignature)
  end.writeUInt16LE(byName.length, 8)
  end.writeUInt16LE(byName.length, 10)
  end.writeUInt32LE(directoryBytes, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...local, ...central, end])
}
