/** Times as people say them, with the exact moment on hover; sizes and durations in few digits. */
import { useSyncExternalStore } from 'react'

const listeners = new Set<() => void>()
let now = Date.now()
let ticking: ReturnType<typeof setInterval> | null = null
const subscribe = (listener: () => void) => {
  listeners.add(listener)
  ticking ??= setInterval(() => {
    now = Date.now()
    for (const tell of listeners) tell()
  }, 1_000)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0 || ticking === null) return
    clearInterval(ticking)
    ticking = null
  }
}
/** Moves once a second, for everything on the screen at the same time. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => now)

export const durationOf = (ms: number): string => {
  if (ms < 1) return `${ms.toFixed(2)} ms`
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const seconds = ms / 1_000
  if (seconds < 10) return `${seconds.toFixed(1).replace('.0', '')} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  if (seconds < 3_600)
    return `${Math.floor(seconds / 60)} m ${Math.floor(seconds % 60)} s`.replace(/ 0 s$/, '')
  if (seconds < 86_400)
    return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} m`.replace(
      / 0 m$/,
      '',
    )
  return `${Math.floor(seconds / 86_400)} d`
}

/** `1 run`, `2 runs`. */
export const counted = (count: number, noun: string): string =>
  `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`

export const bytesOf = (bytes: number): string => {
  if (bytes < 1_000) return `${bytes} B`
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}

const agoOf = (ms: number): string => {
  const seconds = Math.round(ms / 1_000)
  if (seconds < 3) return 'now'
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`
  return `${Math.floor(seconds / 86_400)} d ago`
}
const inOf = (ms: number): string => (ms < 1_000 ? 'any moment' : `in ${durationOf(ms)}`)

export const clockOf = (at: string): string => at.slice(11, 23)

export const Ago = ({ at }: { readonly at: string | null }) => {
  const present = useNow()
  if (at === null) return <span className="quiet">never</span>
  const ms = present - Date.parse(at)
  return (
    <time dateTime={at} title={`${at} (UTC)`}>
      {ms < -2_000 ? inOf(-ms) : agoOf(ms)}
    </time>
  )
}

export const Countdown = ({ to }: { readonly to: string }) => {
  const left = Date.parse(to) - useNow()
  return <span className="number">{left > 0 ? durationOf(left) : '0 s'}</span>
}
