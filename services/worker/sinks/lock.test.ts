/** A lock is held by one at a time, also when several find that its holder is dead. */
import { spawnSync } from 'node:child_process'
import { hostname } from 'node:os'
import { expect, test } from 'vitest'
import { underLock, type LockPlace } from './lock.ts'

const never = new AbortController().signal
const dead = `${spawnSync(process.execPath, ['-p', 'process.pid']).stdout.toString().trim()} ${hostname()}`

/** Before and after everything others may have their turn, in an order that follows from the seed. */
const placeOf = (seed: number, names: Map<string, string>): LockPlace => {
  let state = seed
  const turns = async () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    for (let i = state % 7; i > 0; i--) await new Promise((resolve) => setImmediate(resolve))
  }
  const amid = async <T>(act: () => T): Promise<T> => {
    await turns()
    const done = act()
    await turns()
    return done
  }
  return {
    make: (name, text) => amid(() => !names.has(name) && names.set(name, text).has(name)),
    read: (name) => amid(() => names.get(name) ?? null),
    remove: (name) => amid(() => void names.delete(name)),
  }
}

test('many who find a dead holder hold it one after the other, and nothing is left', async () => {
  for (let seed = 1; seed <= 100; seed++) {
    const names = new Map([['lock', dead]])
    const place = placeOf(seed, names)
    let [holders, most, held] = [0, 0, 0]
    const hold = () =>
      underLock(place, 'lock', never, async () => {
        most = Math.max(most, ++holders)
        held++
        await place.read('another')
        holders--
      })
    await Promise.all([hold(), hold(), hold(), hold()])
    expect([seed, most, held, names.size]).toEqual([seed, 1, 4, 0])
  }
})

test('who died while breaking it is in nobody’s way', async () => {
  const names = new Map<string, string>()
  const place = placeOf(1, names)
  names.set('lock', dead)
  let breaker = ''
  const dying: LockPlace = {
    ...place,
    make: async (name, text) => {
      if (name !== 'lock') breaker = name
      return place.make(name, name === 'lock' ? text : dead)
    },
    remove: () => new Promise(() => {}),
  }
  void underLock(dying, 'lock', never, async () => {})
  await expect.poll(() => names.has(breaker)).toBe(true)
  await underLock(place, 'lock', never, async () => {
    expect(names.get('lock')).not.toBe(dead)
  })
  expect([...names]).toEqual([])
})

test('whoever waits for one that is held can be called off', async () => {
  const place = placeOf(1, new Map([['lock', `${process.pid} ${hostname()} x`]]))
  const off = new AbortController()
  const waiting = underLock(place, 'lock', off.signal, async () => {})
  off.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
})
