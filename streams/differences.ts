/**
 * Compares contents without holding up the room: small ones at once, big ones (two schedules expanded
 * are hundreds of megabytes) in a thread, so that leases are renewed and requests are answered
 * meanwhile. What a comparison cannot bear is different, and that is all there is to say.
 */
import { difference, type Difference } from '@headway/schemas/content/difference.ts'
import type { ContentKindName } from '@headway/schemas/content/kind.ts'
import { startThread } from './threads.ts'

const inlineBytesMax = 128 * 1024
const heapMbMax = 2_048
const compareMsMax = 60_000

export const differenceOf = (
  kind: ContentKindName,
  before: Uint8Array,
  after: Uint8Array,
): Difference | Promise<Difference> =>
  before.length + after.length <= inlineBytesMax
    ? difference(kind, before, after)
    : differenceInThread(kind, before, after)

export const onlyDifferent: Difference = { verdict: 'different', parts: [], samples: [] }

const differenceInThread = (
  kind: ContentKindName,
  before: Uint8Array,
  after: Uint8Array,
): Promise<Difference> =>
  new Promise((resolve) => {
    const entry = new URL('./difference-thread.ts', import.meta.url)
    const limits = { maxOldGenerationSizeMb: heapMbMax }
    const thread = startThread(entry, { kind, before, after }, limits)
    const timer = setTimeout(() => void thread.terminate(), compareMsMax)
    thread.once('message', resolve)
    thread.on('error', () => {})
    thread.once('exit', () => {
      clearTimeout(timer)
      resolve(onlyDifferent)
    })
  })
