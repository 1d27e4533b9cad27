/**
 * Bytes by digest, in the format of a JetStream Object Store bucket, so that `nats object get` reads
 * them: chunks on `$O.<bucket>.C.<nuid>`, then one record on `$O.<bucket>.M.<name>`.
 *
 * The library's own writer hashes in JavaScript and its reader has no back-pressure (5 to 19 times
 * slower, unbounded memory); this one uses native SHA-256 and pulls chunks in batches. The record is
 * written after the chunks are on disk, so a name never points at missing bytes; a put that dies
 * half-way leaves chunks that no record names.
 */
import { JsHeaders, type StoredMsg } from '@nats-io/jetstream'
import { headers, nuid } from '@nats-io/transport-node'
import { sha256 } from '@headway/schemas/ids.ts'
import type { Content } from '@headway/schemas/ports.ts'
import type { Connection } from './connect.ts'
import { contentBucket, topology } from './topology.ts'

const stream = topology.CONTENT.name
const chunkBytes = 512 * 1024
const chunksInFlight = 8
const putRetries = 5

export class ContentError extends Error {
  override readonly name = 'ContentError'
}

type Info = { readonly nuid: string; readonly size: number; readonly chunks: number }

const base64url = (text: string): string =>
  Buffer.from(text).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
const infoSubject = (tenant: string, digest: string): string =>
  `$O.${contentBucket}.M.${base64url(`${tenant}/${digest}`)}`
const chunkSubject = (id: string): string => `$O.${contentBucket}.C.${id}`

const latelyMs = 30_000
const latelyBytesMax = 16 * 1024 * 1024
const latelyBytesEach = 1024 * 1024

/** Small contents that were written or read lately: runs of one pipeline read the same ones again. */
class Lately {
  readonly #held = new Map<string, { readonly bytes: Uint8Array; readonly until: number }>()
  #bytes = 0

  get(key: string): Uint8Array | null {
    const held = this.#held.get(key)
    if (held && held.until > performance.now()) return held.bytes
    this.#drop(key)
    return null
  }

  set(key: string, bytes: Uint8Array): void {
    if (bytes.length > latelyBytesEach) return
    this.#drop(key)
    this.#held.set(key, { bytes: Uint8Array.from(bytes), until: performance.now() + latelyMs })
    this.#bytes += bytes.length
    while (this.#bytes > latelyBytesMax) this.#drop(this.#held.keys().next().value!)
  }

  #drop(key: string): void {
    this.#bytes -= this.#held.get(key)?.bytes.length ?? 0
    this.#held.delete(key)
  }
}

export const openContent = ({ js, jsm }: Connection): Content => {
  const infoOf = async (tenant: string, digest: string): Promise<Info | null> => {
    const message = await jsm.direct.getMessage(stream, {
      last_by_subj: infoSubject(tenant, digest),
    })
    return message && message.data.length > 0 ? message.json<Info>() : null
  }

  const putChunks = async (id: string, bytes: Uint8Array): Promise<number> => {
    const chunks = Math.ceil(bytes.length / chunkBytes)
    for (let first = 0; first < chunks; first += chunksInFlight) {
      const last = Math.min(first + chunksInFlight, chunks)
      const writes = []
      for (let i = first; i < last; i++)
        writes.push(
          js.publish(chunkSubject(id), bytes.subarray(i * chunkBytes, (i + 1) * chunkBytes), {
            msgID: `${id}-${i}`,
            retries: putRetries,
          }),
        )
      await Promise.all(writes)
    }
    return chunks
  }

  const getChunks = async (info: Info): Promise<Uint8Array[]> => {
    const parts: Uint8Array[] = []
    let seq = 1
    while (parts.length < info.chunks) {
      const before = parts.length
      const batch: AsyncIterable<StoredMsg> = await jsm.direct.getBatch(stream, {
        seq,
        next_by_subj: chunkSubject(info.nuid),
        batch: Math.min(chunksInFlight, info.chunks - parts.length),
      } as Parameters<typeof jsm.direct.getBatch>[1])
      for await (const message of batch) {
        parts.push(message.data)
        seq = message.seq + 1
      }
      if (parts.length === before) break
    }
    return parts
  }

  const lately = new Lately()
  return {
    put: async (tenant, bytes) => {
      const digest = sha256(bytes)
      const key = `${tenant}/${digest}`
      if (lately.get(key)) return digest
      if (await infoOf(tenant, digest)) {
        lately.set(key, bytes)
        return digest
      }
      const id = nuid.next()
      const chunks = await putChunks(id, bytes)
      const record = {
        name: `${tenant}/${digest}`,
        bucket: contentBucket,
        nuid: id,
        size: bytes.length,
        chunks,
        digest: `SHA-256=${Buffer.from(digest, 'hex').toString('base64url')}=`,
        options: { max_chunk_size: chunkBytes },
        mtime: new Date().toISOString(),
      }
      const rollup = headers()
      rollup.set(JsHeaders.RollupHdr, JsHeaders.RollupValueSubject)
      await js.publish(infoSubject(tenant, digest), JSON.stringify(record), {
        headers: rollup,
        msgID: `${id}-info`,
        retries: putRetries,
      })
      lately.set(key, bytes)
      return digest
    },
    get: async (tenant, digest) => {
      const known = lately.get(`${tenant}/${digest}`)
      if (known) return known
      const info = await infoOf(tenant, digest)
      if (!info) return null
      const parts = await getChunks(info)
      const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
      if (sha256(bytes) !== digest)
        throw new ContentError(`the stored bytes of ${digest} are damaged (${bytes.length} bytes)`)
      lately.set(`${tenant}/${digest}`, bytes)
      return bytes
    },
    sizeBytes: async () => (await jsm.streams.info(topology.CONTENT.name)).state.bytes,
  }
}
