import { JetStreamApiError } from '@nats-io/jetstream'
import type { Live } from '@headway/schemas/ports.ts'
import type { Connection } from './connect.ts'
import { liveFilter, liveKey, liveSubject } from './subjects.ts'

const stream = 'LIVE'
const wrongLastSequence = 10071
const ttlOf = (ttlMs: number): string => `${Math.max(1, Math.ceil(ttlMs / 1_000))}s`

/** Volatile facts in a memory stream with one message per key; the server forgets them in time. */
export const openLive = ({ js, jsm }: Connection): Live => ({
  put: async (key, value, ttlMs) => {
    await js.publish(liveSubject(key), value, { ttl: ttlOf(ttlMs) })
  },
  get: async (key) => {
    const message = await jsm.streams.getMessage(stream, { last_by_subj: liveSubject(key) })
    return message && { value: new TextDecoder().decode(message.data), revision: message.seq }
  },
  swap: async (key, value, revision, ttlMs) => {
    try {
      await js.publish(liveSubject(key), value, {
        ttl: ttlOf(ttlMs),
        expect: { lastSubjectSequence: revision },
      })
      return true
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === wrongLastSequence) return false
      throw error
    }
  },
  keys: async (prefix) => {
    const info = await jsm.streams.info(stream, { subjects_filter: liveFilter(prefix) })
    return Object.keys(info.state.subjects ?? {}).map(liveKey)
  },
})
