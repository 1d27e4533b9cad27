import { expect, test } from 'vitest'
import { Turns } from './turns.ts'

const never = new AbortController().signal
const gate = () => {
  let open = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { open, opened }
}

test('at most so many are held, the highest priority is next, then the first that came', async () => {
  const turns = new Turns(1)
  const order: string[] = []
  const first = gate()
  const held = turns.take(0, [never], () => first.opened)
  const waiting = (
    [
      ['low', 1],
      ['high', 5],
      ['high too', 5],
    ] as const
  ).map(([name, priority]) => turns.take(priority, [never], async () => void order.push(name)))
  await Promise.resolve()
  expect(order).toEqual([])
  first.open()
  await Promise.all([held, ...waiting])
  expect(order).toEqual(['high', 'high too', 'low'])
})

test('who is called away before its turn has none, and takes nobody’s', async () => {
  const turns = new Turns(1)
  const first = gate()
  const held = turns.take(0, [never], () => first.opened)
  const leaving = new AbortController()
  const gone = turns.take(9, [never, leaving.signal], async () => 'ran')
  const next = turns.take(0, [never], async () => 'ran')
  leaving.abort()
  expect(await gone).toBeNull()
  first.open()
  await held
  expect(await next).toBe('ran')
})

test('a turn that ends badly is passed on', async () => {
  const turns = new Turns(1)
  await expect(turns.take(0, [never], () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await turns.take(0, [never], async () => 'ran')).toBe('ran')
})
