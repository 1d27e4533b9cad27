/**
 * One copy of each answer, shared by everything on the screen and asked for again when the log says
 * something about it: at most once a second per path, never while nobody looks.
 */
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import type { Reply } from '@headway/client/client.ts'
import { client, type Address, type ApiProblem } from './client.ts'
import { liveFrom, liveState, onEvents, onLiveState, type Brief } from './live.ts'
import { useAddress } from './past.ts'

type Entry = {
  reply: Reply<unknown> | null
  error: ApiProblem | null
  asking: boolean
  askedAt: number
  again: boolean
  shown: object
  readonly listeners: Set<() => void>
}
const entries = new Map<Address<unknown>, Entry>()
const kept = 200
const pauseMs = 1_000

const entryOf = (path: Address<unknown>): Entry => {
  let entry = entries.get(path)
  if (!entry) {
    entry = {
      reply: null,
      error: null,
      asking: false,
      askedAt: 0,
      again: false,
      shown: {},
      listeners: new Set(),
    }
    entries.set(path, entry)
    for (const [key, old] of entries) {
      if (entries.size <= kept) break
      if (old.listeners.size === 0) entries.delete(key)
    }
  }
  return entry
}

const ask = async (path: Address<unknown>): Promise<void> => {
  const entry = entryOf(path)
  if (entry.asking) {
    entry.again = true
    return
  }
  entry.asking = true
  entry.again = false
  entry.askedAt = Date.now()
  try {
    entry.reply = await client.read(path)
    entry.error = null
  } catch (error) {
    entry.error = error as ApiProblem
  }
  entry.asking = false
  entry.shown = {}
  for (const listener of entry.listeners) listener()
  if (entry.again || entry.error?.status === 0 || isBeingMade(entry.error) || isBehind(entry))
    later(path)
}

/** Answered before everything was heard of, and by read models that did not know it yet. */
const isBehind = ({ reply, askedAt }: Entry): boolean =>
  askedAt < liveFrom().at && (reply?.projectedSeq ?? Infinity) < liveFrom().seq
onLiveState(() => {
  for (const [path, entry] of entries)
    if (entry.listeners.size > 0 && !entry.asking && isBehind(entry)) later(path)
})

/** An earlier state is made from the log when somebody wants it. */
export const isBeingMade = (error: ApiProblem | null): boolean => error?.code === 'as_of_not_ready'

const waiting = new Set<Address<unknown>>()
const later = (path: Address<unknown>): void => {
  if (waiting.has(path)) return
  waiting.add(path)
  const ms = Math.max(0, entryOf(path).askedAt + pauseMs - Date.now())
  setTimeout(() => {
    waiting.delete(path)
    if (entryOf(path).listeners.size > 0 && !document.hidden) void ask(path)
  }, ms)
}

/** Which events make an answer old. */
export type Concern = (event: Brief) => boolean
export const any: Concern = () => true
export const never: Concern = () => false
export const ofKind =
  (...kinds: string[]): Concern =>
  ({ kind }) =>
    kinds.includes(kind)

export type Result<T> = {
  readonly data: T | null
  readonly next: Address<T> | null
  readonly error: ApiProblem | null
  readonly reload: () => void
}

/** `path` null asks for nothing. */
export const useApi = <T>(now: Address<T> | null, concern: Concern = any): Result<T> => {
  const path = useAddress(now)
  const subscribe = useCallback(
    (listener: () => void) => {
      if (path === null) return () => {}
      const entry = entryOf(path)
      entry.listeners.add(listener)
      return () => entry.listeners.delete(listener)
    },
    [path],
  )
  useSyncExternalStore(subscribe, () => (path === null ? null : entryOf(path).shown))
  useEffect(() => {
    if (path === null) return
    void ask(path)
    // What was does not change any more.
    if (path !== now) return
    const stop = onEvents((events) => events.some(concern) && later(path))
    const seen = () => !document.hidden && later(path)
    document.addEventListener('visibilitychange', seen)
    return () => {
      stop()
      document.removeEventListener('visibilitychange', seen)
    }
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- a concern is a constant of its caller
  }, [path, now])
  const reload = useCallback(() => path !== null && void ask(path), [path])
  const entry = path === null ? null : entryOf(path)
  return {
    data: (entry?.reply?.data ?? null) as T | null,
    next: (entry?.reply?.next ?? null) as Address<T> | null,
    error: entry?.error ?? null,
    reload,
  }
}

type More<T> = {
  readonly path: Address<readonly T[]>
  readonly rows: readonly T[]
  readonly next: Address<readonly T[]> | null
}
/** Pages of a list that are asked for after the first one; they stay as they were read. */
export const useMore = <T>(first: Result<readonly T[]>, now: Address<readonly T[]>) => {
  const path = useAddress(now)!
  const [more, setMore] = useState<More<T> | null>(null)
  const current = more?.path === path ? more : null
  const next = current ? current.next : first.next
  const load = async () => {
    if (next === null) return
    const reply = await client.read(next)
    setMore({ path, rows: [...(current?.rows ?? []), ...reply.data], next: reply.next })
  }
  return { rows: [...(first.data ?? []), ...(current?.rows ?? [])], hasMore: next !== null, load }
}

export const useLiveState = () => useSyncExternalStore(onLiveState, liveState)
