/**
 * Turns for something scarce: at most `limit` are held at a time, and of those who wait the one with the
 * highest priority goes next, the first of them that came.
 */
type Waiting = { readonly priority: number; readonly go: () => void }

export class Turns {
  #free: number
  readonly #waiting: Waiting[] = []

  constructor(limit: number) {
    this.#free = limit
  }

  /** Runs `work` when it is its turn; answers null, without running it, when a signal fires first. */
  async take<T>(
    priority: number,
    signals: readonly AbortSignal[],
    work: () => Promise<T>,
  ): Promise<T | null> {
    if (signals.some(({ aborted }) => aborted)) return null
    if (!(await this.#wait(priority, signals))) return null
    try {
      return await work()
    } finally {
      this.#pass()
    }
  }

  async #wait(priority: number, signals: readonly AbortSignal[]): Promise<boolean> {
    if (this.#free > 0) {
      this.#free--
      return true
    }
    return new Promise((resolve) => {
      const settle = (isTurn: boolean) => {
        for (const signal of signals) signal.removeEventListener('abort', onAbort)
        resolve(isTurn)
      }
      const waiting: Waiting = { priority, go: () => settle(true) }
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        settle(false)
      }
      for (const signal of signals) signal.addEventListener('abort', onAbort)
      this.#waiting.push(waiting)
    })
  }

  #pass(): void {
    const next = this.#waiting.reduce<Waiting | undefined>(
      (best, one) => (best && best.priority >= one.priority ? best : one),
      undefined,
    )
    if (!next) return void this.#free++
    this.#waiting.splice(this.#waiting.indexOf(next), 1)
    next.go()
  }
}
