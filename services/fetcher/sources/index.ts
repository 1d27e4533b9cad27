import { http } from './http.ts'
import type { Source } from './source.ts'

/** Every way of getting at bytes, one line each. */
const sources: readonly Source[] = [http]

export const sourceOf = (url: string): Source | null => {
  const scheme = url.slice(0, url.indexOf(':'))
  return sources.find((source) => source.schemes.includes(scheme)) ?? null
}
