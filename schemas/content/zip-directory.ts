import { getFileNameLowLevel, parseExtraFields, validateFileName } from 'yauzl'
import { type InspectLimits, Refusal } from './kind.ts'

/**
 * The directory of a zip archive, read with suspicion.
 *
 * It is read by our own code because `inspect` and `parse` are synchronous and yauzl calls back
 * from the event loop even for a buffer; yauzl's pure parts (names, extra fields) are used as they
 * are. The reading is strict where readers disagree with each other: an entry that two headers
 * describe differently, two entries under one name or over the same bytes, two ends of the archive
 * are refused, because what we validate must be what the next reader sees.
 *
 * Bytes after the archive are tolerated and counted: the gateway of a real agency appends an HTML
 * page to every download, every common unzip accepts that, and no reader sees other entries for it.
 */

export const localSignature = 0x04034b50
export const centralSignature = 0x02014b50
export const endSignature = 0x06054b50
const end64Signature = 0x06064b50
const locator64Signature = 0x07064b50
export const endBytes = 22
const encryptedFlag = 0x1
const descriptorFlag = 0x8
const saturated = 0xffffffff

/** Text never shrinks this much (real feeds reach 30); checked only where it could hurt. */
const ratioMax = 250
const ratioCheckedFromBytes = 64 * 2 ** 20

export const malformed = (message: string) => new Refusal('malformed_zip', message)

type Directory = {
  readonly start: number
  readonly end: number
  readonly count: number
  readonly trailingBytes: number
}

const readEnd64 = (archive: Buffer, locator: number) => {
  const at = Number(archive.readBigUInt64LE(locator + 8))
  if (at + 56 > locator || archive.readUInt32LE(at) !== end64Signature)
    throw malformed('the zip64 end record is not where its locator says')
  const start = Number(archive.readBigUInt64LE(at + 48))
  const size = Number(archive.readBigUInt64LE(at + 40))
  if (start + size !== at) throw malformed('the zip64 central directory does not end at its record')
  return { start, end: at, count: Number(archive.readBigUInt64LE(at + 32)) }
}

/** Reads the end record at `at`, or says null when it is not one of an archive that starts at 0. */
const readEnd = (archive: Buffer, at: number): Directory | null => {
  const start = archive.readUInt32LE(at + 16)
  const size = archive.readUInt32LE(at + 12)
  const trailingBytes = archive.length - (at + endBytes + archive.readUInt16LE(at + 20))
  if (at >= 20 && archive.readUInt32LE(at - 20) === locator64Signature)
    return { ...readEnd64(archive, at - 20), trailingBytes }
  if (start + size !== at) return null
  return { start, end: at, count: archive.readUInt16LE(at + 10), trailingBytes }
}

const readDirectory = (archive: Buffer): Directory => {
  const lowest = Math.max(0, archive.length - endBytes - 0xffff)
  const found: Directory[] = []
  let inconsistent = 0
  for (let at = archive.length - endBytes; at >= lowest; at--) {
    if (archive.readUInt32LE(at) !== endSignature) continue
    const directory = readEnd(archive, at)
    if (directory) found.push(directory)
    else inconsistent++
  }
  const [directory] = found
  if (found.length > 1)
    throw new Refusal('unsafe_zip', 'found two ends of the archive; expected one')
  if (!directory && inconsistent > 0)
    throw malformed('the central directory is not where the end record says')
  if (!directory)
    throw new Refusal(
      'truncated_zip',
      `found ${archive.length} bytes of a zip archive without its central directory`,
    )
  if (directory.trailingBytes < 0)
    throw new Refusal('truncated_zip', `ends ${-directory.trailingBytes} bytes too early`)
  return directory
}

type Described = {
  readonly name: string
  readonly rawName: Buffer
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly compressedBytes: number
  readonly size: number
  readonly offset: number
  /** Where the next record of the directory begins. */
  readonly next: number
}

const readNameAndExtra = (archive: Buffer, at: number, flags: number) => {
  const nameEnd = at + 46 + archive.readUInt16LE(at + 28)
  const extraEnd = nameEnd + archive.readUInt16LE(at + 30)
  const rawName = archive.subarray(at + 46, nameEnd)
  let fields
  try {
    fields = parseExtraFields(archive.subarray(nameEnd, extraEnd))
  } catch {
    throw malformed(`the extra fields of ${rawName.toString()} overrun their length`)
  }
  const zip64 = fields.find((field) => field.id === 1)?.data ?? Buffer.alloc(0)
  const name = getFileNameLowLevel(flags, rawName, fields, false)
  return { rawName, name, zip64, next: extraEnd + archive.readUInt16LE(at + 32) }
}

const readCentral = (archive: Buffer, at: number): Described => {
  const flags = archive.readUInt16LE(at + 8)
  const { rawName, name, zip64, next } = readNameAndExtra(archive, at, flags)
  let wide = 0
  const number = (value: number): number => {
    if (value !== saturated) return value
    if (wide + 8 > zip64.length) throw malformed(`${name} lacks its zip64 sizes`)
    wide += 8
    return Number(zip64.readBigUInt64LE(wide - 8))
  }
  const size = number(archive.readUInt32LE(at + 24))
  const compressedBytes = number(archive.readUInt32LE(at + 20))
  const offset = number(archive.readUInt32LE(at + 42))
  const crc = archive.readUInt32LE(at + 16)
  return {
    name,
    rawName,
    flags,
    method: archive.readUInt16LE(at + 10),
    crc,
    compressedBytes,
    size,
    offset,
    next,
  }
}

const assertSafe = (entry: Described) => {
  const unsafe = entry.name.includes('\0') ? 'a NUL in its name' : validateFileName(entry.name)
  if (unsafe) throw new Refusal('unsafe_zip', `found an entry with ${unsafe}; expected plain names`)
  if (entry.flags & encryptedFlag)
    throw new Refusal('unsafe_zip', `${entry.name} is encrypted; expected an open archive`)
  if (entry.method !== 0 && entry.method !== 8)
    throw malformed(`${entry.name} uses compression method ${entry.method}; expected 0 or 8`)
  if (entry.method === 0 && entry.size !== entry.compressedBytes)
    throw malformed(`${entry.name} is stored in ${entry.compressedBytes} of ${entry.size} bytes`)
  if (entry.size > ratioCheckedFromBytes && entry.size > entry.compressedBytes * ratioMax)
    throw new Refusal('zip_bomb', `${entry.name} claims to expand more than ${ratioMax} times`)
}

/** Finds the data of an entry and holds the local header against the central one. */
const readLocal = (archive: Buffer, entry: Described, dataEndMax: number) => {
  const at = entry.offset
  if (at + 30 > dataEndMax || archive.readUInt32LE(at) !== localSignature)
    throw malformed(`${entry.name} has no local header at byte ${at}`)
  const nameEnd = at + 30 + archive.readUInt16LE(at + 26)
  const start = nameEnd + archive.readUInt16LE(at + 28)
  const end = start + entry.compressedBytes
  if (end > dataEndMax) throw malformed(`${entry.name} runs over the central directory`)
  const streamed = (archive.readUInt16LE(at + 6) & descriptorFlag) !== 0
  const differs = (value: number, expected: number) =>
    value !== expected && value !== saturated && !(streamed && value === 0)
  if (
    !archive.subarray(at + 30, nameEnd).equals(entry.rawName) ||
    archive.readUInt16LE(at + 8) !== entry.method ||
    differs(archive.readUInt32LE(at + 14), entry.crc) ||
    differs(archive.readUInt32LE(at + 18), entry.compressedBytes) ||
    differs(archive.readUInt32LE(at + 22), entry.size)
  )
    throw malformed(`${entry.name} is described differently by its two headers`)
  return { start, end }
}

const assertDistinct = (entries: readonly DirectoryEntry[]) => {
  const names = new Set(entries.map((entry) => entry.name))
  if (names.size !== entries.length)
    throw new Refusal('unsafe_zip', 'found two entries with one name; expected distinct names')
  const inOrder = entries.toSorted((a, b) => a.offset - b.offset)
  for (const [i, entry] of inOrder.entries()) {
    const next = inOrder[i + 1]
    if (next && entry.end > next.offset)
      throw new Refusal('zip_bomb', `${entry.name} and ${next.name} share the same bytes`)
  }
}

/** An entry as both of its headers describe it, and where its data lies. */
export type DirectoryEntry = Described & { readonly start: number; readonly end: number }

/** Lists all entries of an archive, directories and junk too. Throws `Refusal`. */
export const listEntries = (archive: Buffer, limits: InspectLimits) => {
  const directory = readDirectory(archive)
  if (directory.count > limits.entriesMax)
    throw new Refusal('zip_bomb', `found ${directory.count} entries; at most ${limits.entriesMax}`)
  const entries: DirectoryEntry[] = []
  let at = directory.start
  let expandedBytes = 0
  for (let i = 0; i < directory.count; i++) {
    if (at + 46 > directory.end || archive.readUInt32LE(at) !== centralSignature)
      throw malformed(`found ${i} entries; the directory promised ${directory.count}`)
    const entry = readCentral(archive, at)
    at = entry.next
    if (at > directory.end) throw malformed('the central directory overruns its end record')
    assertSafe(entry)
    expandedBytes += entry.size
    if (expandedBytes > limits.expandedBytesMax)
      throw new Refusal('zip_bomb', `expands to more than ${limits.expandedBytesMax} bytes`)
    entries.push({ ...entry, ...readLocal(archive, entry, directory.start) })
  }
  if (at !== directory.end) throw malformed('the central directory is longer than its entries')
  assertDistinct(entries)
  return { entries, trailingBytes: directory.trailingBytes }
}
