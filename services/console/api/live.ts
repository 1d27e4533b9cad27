/**
 * What happens, as it happens. The browser resumes by the id of the last event, which is the log's
 * sequence, so nothing is missed. Events are gathered for a moment before anybody hears of them: a
 * burst of a thousand is one render.
 */
import { base, client } from './client.ts'

export type Brief = {
  readonly seq: number
  readonly at: string
  readonly kind: string
  readonly name: string
  readonly types: readonly string[]
  readonly runs: readonly string[]
}
export type LiveState = 'connecting' | 'live' | 'lost'

const gatherMs = 250
const listeners = new Set<(events: readonly Brief[]) => void>()
const stateListeners = new Set<() => void>()
let state: LiveState = 'connecting'
let gathered: Brief[] = []
/** From which event on everything is heard of, and since when. */
let connected = { seq: 0, at: 0 }
let timer: ReturnType<typeof setTimeout> | null = null

const tellState = (next: LiveState): void => {
  if (state === next) return
  state = next
  for (const listener of stateListeners) listener()
}

const flush = (): void => {
  timer = null
  const events = gathered
  gathered = []
  for (const listener of listeners) listener(events)
}

export const startLive = (): void => {
  const source = new EventSource(`${base}/stream?brief=true`)
  source.addEventListener('ready', (message: MessageEvent<string>) => {
    const { seq } = JSON.parse(message.data) as { seq: number }
    client.know(seq)
    connected = { seq, at: Date.now() }
    tellState('live')
  })
  source.addEventListener('error', () => tellState('lost'))
  source.addEventListener('commit', (message: MessageEvent<string>) => {
    const event = JSON.parse(message.data) as Brief
    client.know(event.seq)
    gathered.push(event)
    timer ??= setTimeout(flush, gatherMs)
  })
}

export const onEvents = (listener: (events: readonly Brief[]) => void): (() => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
export const onLiveState = (listener: () => void): (() => void) => {
  stateListeners.add(listener)
  return () => stateListeners.delete(listener)
}
export const liveFrom = (): typeof connected => connected
export const liveState = (): LiveState => state
