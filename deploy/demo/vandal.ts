/**
 * Somebody who changes the demo's shop where it runs instead of in Git, every now and then: one key of
 * its bucket, so that there is drift to be found and put right.
 */
import { openKv } from '@headway/streams/kv.ts'

const bucket = 'shop-production'
const key = 'shop.name'
const everyMsDefault = 75_000
const names = ['Pirate shop', 'Closed for ever', 'Everything free']

export type Vandal = { readonly stop: () => Promise<void> }
export type VandalOptions = {
  readonly natsUrl: string
  readonly everyMs?: number
  readonly onProblem: (message: string) => void
}

export const startVandal = (options: VandalOptions): Vandal => {
  const { natsUrl, everyMs = everyMsDefault, onProblem } = options
  let count = 0
  const paint = async () => {
    const place = { url: natsUrl, bucket, history: 10, replicas: 1, relaxed: false }
    const kv = await openKv({ ...place, timeoutMs: 5_000 })
    try {
      const held = await kv.get(key)
      // What was never put there is not to be changed.
      if (held?.text == null) return
      await kv.change(key, JSON.stringify(names[count++ % names.length]), held.revision)
    } finally {
      await kv.close()
    }
  }
  let acting = Promise.resolve()
  const timer = setInterval(() => {
    acting = acting
      .then(paint)
      .catch((error: unknown) => onProblem(`the demo's vandal: ${String(error)}`))
  }, everyMs)
  return {
    stop: async () => {
      clearInterval(timer)
      await acting
    },
  }
}
