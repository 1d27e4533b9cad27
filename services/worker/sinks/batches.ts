/** Cuts a long list into pieces of a bounded length. */
export const inBatches = <T>(items: Iterable<T>, length: number): T[][] => {
  const all = [...items]
  return Array.from({ length: Math.ceil(all.length / length) }, (_, i) =>
    all.slice(i * length, (i + 1) * length),
  )
}
