/**
 * Volatile facts in a memory stream with one message per key; the server forgets them in time, and all
 * of them at once when it restarts. The stream itself goes with them, so whoever misses it makes it
 * again: nothing here is worth waiting for anybody else.
 */
import { JetStreamApiError } from '@nats-io/jetstream'
import type { Live } from '@headway/schemas/ports.ts'
import type { Connection } from './connect.ts'
import { liveFilter, liveKey, liveSubject } from './subjects.ts'
import { topology } from './topology.ts'

const stream = topology.LIVE.name
const wrongLastSequence = 10071
const ttlOf = (ttlMs: number): string => `${Math.max(1, Math.ceil(ttlMs / 1_000))}s`
const isOutrun = (error: unknown): boolean =>
  error instanceof JetStreamApiError && error.code === wrongLastSequence

export const openLive = ({ js, jsm }: Connection): Live => {
  /** Does it; when that fails and the stream can be made, does it once more. */
  const onStream = async <T>(run: () => Promise<T>): Promise<T> => {
    try {
      return await run()
    } catch (error) {
      if (isOutrun(error)) throw error
      await jsm.streams.add({ ...topology.LIVE, num_replicas: 1 })
      return run()
    }
  }
  return {
    put: async (key, value, ttlMs) => {
      await onStream(() => js.publish(liveSubject(key), value, { ttl: ttlOf(ttlMs) }))
    },
    get: async (key) => {
      const message = await onStream(() =>
        jsm.streams.getMessage(stream, { last_by_subj: liveSubject(key) }),
      )
      return message && { value: new TextDecoder().decode(message.data), revision: message.seq }
    },
    swap: async (key, value, revision, ttlMs) => {
      try {
        const expect = { lastSubjectSequence: revision }
        await onStream(() => js.publish(liveSubject(key), value, { ttl: ttlOf(ttlMs), expect }))
        return true
      } catch (error) {
        if (isOutrun(error)) return false
        throw error
      }
    },
    keys: async (prefix) => {
      const info = await onStream(() =>
        jsm.streams.info(stream, { subjects_filter: liveFilter(prefix) }),
      )
      return Object.keys(info.state.subjects ?? {}).map(liveKey)
    },
  }
}
