/**
 * Proves bytes without holding up the room. Small ones are inspected at once; big ones (a schedule is
 * tens of megabytes expanded) in a thread, so that leases are renewed and other feeds keep their pace.
 */
import { Refusal, type ContentKindName, type Inspection } from '@headway/schemas/content/kind.ts'
import { contentKindOf } from '@headway/schemas/content/registry.ts'
import { startThread } from '@headway/streams/threads.ts'

const inlineBytesMax = 128 * 1024
/** An inspection that takes longer than this is given up: hostile bytes must not hold a thread. */
const inspectMsMax = 60_000
const heapMbMax = 1_024

type Answer = {
  readonly inspection?: Inspection
  readonly refusal?: { readonly code: Refusal['code']; readonly message: string } | null
  readonly error?: string
}

/** Rejects with `Refusal` when the bytes are not what they should be. */
export const inspect = async (kind: ContentKindName, bytes: Uint8Array): Promise<Inspection> => {
  if (bytes.length <= inlineBytesMax) return contentKindOf[kind].inspect(bytes)
  const answer = await new Promise<Answer>((resolve, reject) => {
    const entry = new URL('./inspect-thread.ts', import.meta.url)
    const thread = startThread(entry, { kind, bytes }, { maxOldGenerationSizeMb: heapMbMax })
    const timer = setTimeout(() => {
      void thread.terminate()
      resolve({ refusal: { code: 'too_large', message: 'the inspection took over a minute' } })
    }, inspectMsMax)
    thread.once('message', resolve)
    thread.once('error', (error: Error & { code?: string }) => {
      if (error.code !== 'ERR_WORKER_OUT_OF_MEMORY') return reject(error)
      resolve({ refusal: { code: 'too_large', message: 'the content needs over 1 GB of memory' } })
    })
    thread.once('exit', () => {
      clearTimeout(timer)
      reject(new Error('the inspection ended without an answer'))
    })
  })
  if (answer.inspection) return answer.inspection
  if (answer.refusal) throw new Refusal(answer.refusal.code, answer.refusal.message)
  throw new Error(answer.error ?? 'the inspection failed')
}
