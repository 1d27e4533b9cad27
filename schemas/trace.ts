/**
 * Which trace something belongs to. One trace follows a datum: its fetch, the run that its version led to,
 * the artifacts of that run. Trace and span ids are derived like all ids, so every room gives the same
 * ones without handing them on, and a trace can be made from the log at any time.
 */
import { sha256 } from './ids.ts'

export type Traced = { readonly run: string; readonly triggeredBy: readonly { version: string }[] }

/** What the trace of a run stands for: the first version that led to it, else the run itself. */
export const traceSeedOf = ({ run, triggeredBy }: Traced): string => triggeredBy[0]?.version ?? run

/** 32 hex digits. */
export const traceIdOf = (seed: string): string => sha256(seed).slice(0, 32)
/** 16 hex digits. */
export const spanIdOf = (...parts: readonly (string | number)[]): string =>
  sha256(parts.join('/')).slice(0, 16)

export const traceparentOf = (traceId: string, spanId: string): string =>
  `00-${traceId}-${spanId}-01`

/** The ids of a `traceparent` header (W3C Trace Context); null for what is none. */
export const readTraceparent = (
  text: string | undefined,
): { readonly traceId: string; readonly spanId: string } | null => {
  const [, traceId, spanId] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(text ?? '') ?? []
  if (traceId === undefined || spanId === undefined) return null
  return /^0+$/.test(traceId) || /^0+$/.test(spanId) ? null : { traceId, spanId }
}
