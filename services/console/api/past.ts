/**
 * Looking at an earlier state: while the address says `?asOf=`, everything that has states is asked as of
 * then, and nothing is changed.
 */
import { asOf, useAsOf } from '../router.tsx'
import { ApiProblem, type Address } from '@headway/client/client.ts'

/** What the API tells from its read models; the log and what runs right now have no other states. */
const stateful = /^\/api\/v1\/(?!(log|streams?|session|tokens|projections)\b)/

/** The address of the same thing at the time that is looked at. */
export const useAddress = <T>(now: Address<T> | null): Address<T> | null => {
  const at = useAsOf()
  if (now === null || at === null || !stateful.test(now)) return now
  const mark = now.includes('?') ? '&' : '?'
  return `${now}${mark}asOf=${encodeURIComponent(at)}` as Address<T>
}

/** Ends what would change something while an earlier state is on the screen. */
export const refuseInPast = (name: string): void => {
  if (asOf() === null || name.startsWith('GET ') || name.endsWith('/session')) return
  throw new ApiProblem(
    409,
    'looking_back',
    'this is an earlier state: go back to now to change something',
    false,
  )
}
