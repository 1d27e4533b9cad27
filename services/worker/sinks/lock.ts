/**
 * A lock beside a file that several of us change, wherever the file is: a name that only one can make, and
 * in it who holds it.
 *
 * What stays the same for half a minute, or whose process on this machine is gone, was left behind. It is
 * broken by whoever holds the lock of that one holding: to look at it and to remove it are two steps, and
 * without that the second of two would remove what the first had just taken.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { sha256 } from '@headway/schemas/ids.ts'

export type LockPlace = {
  /** At once with its text; false when it is there already. */
  readonly make: (name: string, text: string) => Promise<boolean>
  /** Null when it is not there. */
  readonly read: (name: string) => Promise<string | null>
  readonly remove: (name: string) => Promise<void>
}

const heldMsMax = 30_000
const pauseMs = { min: 5, more: 10 }

/** Does something while nobody else holds the lock. Waits for it until the signal fires. */
export const underLock = async <T>(
  place: LockPlace,
  lock: string,
  signal: AbortSignal,
  act: () => Promise<T>,
): Promise<T> => {
  const ours = `${process.pid} ${hostname()} ${randomUUID()}`
  await take(place, lock, ours, signal)
  try {
    return await act()
  } finally {
    if ((await place.read(lock)) === ours) await place.remove(lock)
  }
}

const take = async (
  place: LockPlace,
  lock: string,
  ours: string,
  signal: AbortSignal,
): Promise<void> => {
  let seen: string | null = null
  let seenAt = performance.now()
  for (;;) {
    signal.throwIfAborted()
    if (await place.make(lock, ours)) return
    const held = await place.read(lock)
    if (held !== seen) {
      seen = held
      seenAt = performance.now()
    }
    const isOld = performance.now() - seenAt > heldMsMax
    if (held !== null && (isOld || isOwnerGone(held))) await breakLock(place, lock, held, signal)
    else await pause(signal)
  }
}

/** Called off, it ends early: who waits looks at the signal next. */
const pause = (signal: AbortSignal) =>
  delay(pauseMs.min + Math.random() * pauseMs.more, undefined, { signal }).catch(() => {})

const breakLock = (place: LockPlace, lock: string, held: string, signal: AbortSignal) =>
  underLock(place, `${lock}.${sha256(held).slice(0, 12)}`, signal, async () => {
    if ((await place.read(lock)) === held) await place.remove(lock)
  })

/** True when it was a process of this machine and is no more; of other machines nobody knows. */
const isOwnerGone = (owner: string): boolean => {
  const [pid, host] = owner.split(' ')
  return host === hostname() && !isAlive(Number(pid))
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
