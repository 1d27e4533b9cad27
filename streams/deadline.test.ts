import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { withDeadline } from './deadline.ts'

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const heard = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason)))

test('a deadline is kept, whatever is cleared away meanwhile', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const reasons = Array.from({ length: 50 }, () =>
    heard(withDeadline(300, new AbortController().signal)),
  )
  await sleep(50)
  collect()
  await sleep(50)
  collect()
  for (const reason of await Promise.all(reasons))
    expect(reason).toMatchObject({ name: 'TimeoutError' })
})

test('who is called off before does not wait for it', async () => {
  const off = new AbortController()
  const reason = heard(withDeadline(60_000, new AbortController().signal, off.signal))
  off.abort('enough')
  expect(await reason).toBe('enough')
})
