/**
 * One copy of each answer, shared by everything on the screen and asked for again when the log says
 * something about it: at most once a second per path, never while nobody looks.
 */
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import { send, type ApiProblem, type Answer } from './client.ts'
import { onEvents, onLiveState, liveState, type Brief } from './live.ts'

type Entry = {
  answer: Answer<unknown> | null
  error: ApiProblem | null
  asking: boolean
  askedAt: number
  again: boolean
  shown: object
  readonly listeners: Set<() => void>
}
const entries = new Map<string, Entry>()
const kept = 200
const pauseMs = 1_000

const entryOf = (path: string): Entry => {
  let entry = entries.get(path)
  if (!entry) {
    entry = {
      answer: null,
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

const ask = async (path: string): Promise<void> => {
  const entry = entryOf(path)
  if (entry.asking) {
    entry.again = true
    return
  }
  entry.asking = true
  entry.again = false
  entry.askedAt = Date.now()
  try {
    entry.answer = await send('GET', path)
    entry.error = null
  } catch (error) {
    entry.error = error as ApiProblem
  }
  entry.asking = false
  entry.shown = {}
  for (const listener of entry.listeners) listener()
  if (entry.again || entry.error?.status === 0) later(path)
}

const waiting = new Set<string>()
const later = (path: string): void => {
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
  readonly next: string | null
  readonly error: ApiProblem | null
  readonly reload: () => void
}

/** `path` null asks for nothing. */
export const useApi = <T>(path: string | null, concern: Concern = any): Result<T> => {
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
    const stop = onEvents((events) => events.some(concern) && later(path))
    const seen = () => !document.hidden && later(path)
    document.addEventListener('visibilitychange', seen)
    return () => {
      stop()
      document.removeEventListener('visibilitychange', seen)
    }
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- a concern is a constant of its caller
  }, [path])
  const reload = useCallback(() => path !== null && void ask(path), [path])
  const entry = path === null ? null : entryOf(path)
  return {
    data: (entry?.answer?.data ?? null) as T | null,
    next: entry?.answer?.next ?? null,
    error: entry?.error ?? null,
    reload,
  }
}

/** Pages of a list that are asked for after the first one; they stay as they were read. */
export const useMore = <T>(first: Result<T[]>, path: string) => {
  const [more, setMore] = useState<{ path: string; rows: T[]; next: string | null } | null>(null)
  const current = more?.path === path ? more : null
  const next = current ? current.next : first.next
  const load = async () => {
    if (next === null) return
    const answer = await send<T[]>('GET', next)
    setMore({ path, rows: [...(current?.rows ?? []), ...answer.data], next: answer.next })
  }
  return { rows: [...(first.data ?? []), ...(current?.rows ?? [])], hasMore: next !== null, load }
}

export const useLiveState = () => useSyncExternalStore(onLiveState, liveState)
