/**
 * Does the same to every item, at most `width` at a time. After the first error nothing new is begun, and
 * what was begun is waited for: nobody may still be writing when the next attempt reads.
 */
export const sideBySide = async <T>(
  items: Iterable<T>,
  width: number,
  act: (item: T) => Promise<void>,
): Promise<void> => {
  const rest = items[Symbol.iterator]()
  const errors: unknown[] = []
  const lane = async (): Promise<void> => {
    while (errors.length === 0) {
      const next = rest.next()
      if (next.done) return
      await act(next.value).catch((error: unknown) => void errors.push(error))
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
  if (errors.length > 0) throw errors[0]
}
