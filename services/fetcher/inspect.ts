/**
 * Proves bytes without holding up the room. Small ones are inspected at once; big ones (a schedule is
 * tens of megabytes expanded) in a thread, so that leases are renewed and other feeds keep their pace;
 * no more threads than processors, because each holds an expanded archive.
 */
import { availableParallelism } from 'node:os'
import { Refusal, type ContentKindName, type Inspection } from '@headway/schemas/content/kind.ts'
import { startThread } from '@headway/streams/threads.ts'
import { inspectInline, type Inspected } from './inspect-inline.ts'

const inlineBytesMax = 128 * 1024
/** An inspection that takes longer than this is given up: hostile bytes must not hold a thread. */
const inspectMsMax = 60_000
const heapMbMax = 1_024
const threadsMax = availableParallelism()

const tooLarge = (message: string): Inspected => ({ refusal: { code: 'too_large', message } })

const inspectInThread = (
  kind: ContentKindName,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<Inspected> =>
  new Promise<Inspected>((resolve, reject) => {
    const entry = new URL('./inspect-thread.ts', import.meta.url)
    const thread = startThread(entry, { kind, bytes }, { maxOldGenerationSizeMb: heapMbMax })
    const end = () => void thread.terminate()
    const timer = setTimeout(() => {
      resolve(tooLarge('the inspection took over a minute'))
      end()
    }, inspectMsMax)
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    thread.once('message', resolve)
    thread.once('error', (error: Error & { code?: string }) => {
      if (error.code !== 'ERR_WORKER_OUT_OF_MEMORY') return reject(error)
      resolve(tooLarge('the content needs over 1 GB of memory'))
    })
    thread.once('exit', () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      reject(new Error('the inspection ended without an answer'))
    })
  })

let threads = 0
const waiting: (() => void)[] = []

const withThread = async <T>(work: () => Promise<T>): Promise<T> => {
  if (threads < threadsMax) threads++
  else await new Promise<void>((resolve) => waiting.push(resolve))
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else threads--
  }
}

/** Rejects with `Refusal` when the bytes are not what they should be. */
export const inspect = async (
  kind: ContentKindName,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<Inspection> => {
  const { inspection, refusal } =
    bytes.length <= inlineBytesMax
      ? inspectInline(kind, bytes)
      : await withThread(() => inspectInThread(kind, bytes, signal))
  if (inspection) return inspection
  throw new Refusal(refusal!.code, refusal!.message)
}
