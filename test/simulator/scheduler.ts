/**
 * Virtual time. What is to happen waits in a heap, by moment and, at the same moment, by a drawn number.
 * One step takes the first of them, lets it happen, and lets everything that followed from it in
 * promises run to its end before the next step. So a whole history is one synchronous loop, and the
 * same seed gives the same history.
 *
 * V8 drains its queue of promise jobs on request; that is a native of the engine, and the only one used.
 */
import v8 from 'node:v8'
import { Random } from './random.ts'

v8.setFlagsFromString('--allow-natives-syntax')
// oxlint-disable-next-line typescript/no-implied-eval
const drain = new Function('%PerformMicrotaskCheckpoint()') as () => void
v8.setFlagsFromString('--no-allow-natives-syntax')

export type Pending = { at: number; readonly tie: number; run: (() => void) | null }

const isBefore = (a: Pending, b: Pending): boolean =>
  a.at < b.at || (a.at === b.at && a.tie < b.tie)

export class Scheduler {
  now: number
  steps = 0
  /** Of every moment at which something happened: two equal histories have the same. */
  hash = 0
  readonly #random: Random
  readonly #heap: Pending[] = []

  constructor(now: number, seed: number) {
    this.now = now
    this.#random = new Random(seed, 1)
  }

  after(ms: number, run: () => void): Pending {
    const pending = { at: this.now + ms, tie: this.#random.next(), run }
    this.#push(pending)
    return pending
  }

  cancel(pending: Pending): void {
    pending.run = null
  }

  /** Lets everything happen up to a moment, or until it is enough. */
  run(until: number, isEnough: () => boolean): void {
    while (this.#heap.length > 0 && this.#heap[0]!.at <= until) {
      const { at, run } = this.#pop()
      if (!run) continue
      this.now = at
      this.steps++
      this.note(at)
      run()
      drain()
      if (isEnough()) return
    }
    if (this.#heap.length === 0 || this.#heap[0]!.at > until) this.now = Math.max(this.now, until)
  }

  note(value: number): void {
    this.hash = (Math.imul(this.hash, 31) + (value | 0)) | 0
  }

  #push(pending: Pending): void {
    const heap = this.#heap
    let i = heap.push(pending) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!isBefore(pending, heap[parent]!)) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = pending
  }

  #pop(): Pending {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = last
    return first
  }
}
