/** Fires with the first of the signals, and after `ms` at the latest. */
export const withDeadline = (ms: number, ...signals: readonly AbortSignal[]): AbortSignal => {
  const late = AbortSignal.timeout(ms)
  // Without anybody who listens, Node 20 throws it away with the next garbage, and nothing ever fires.
  late.addEventListener('abort', () => {})
  return AbortSignal.any([...signals, late])
}
