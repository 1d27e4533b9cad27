/** One thing that was looked at: how it is, and what to do when it is not as it should be. */
export type Check = {
  readonly name: string
  /** `unknown`: it could not be looked at; the fix says how it can. */
  readonly status: 'ok' | 'warning' | 'failed' | 'unknown'
  readonly found: string
  readonly fix?: string
}

export const ok = (name: string, found: string): Check => ({ name, status: 'ok', found })
export const warning = (name: string, found: string, fix: string): Check => ({
  name,
  status: 'warning',
  found,
  fix,
})
export const failed = (name: string, found: string, fix: string): Check => ({
  name,
  status: 'failed',
  found,
  fix,
})
export const unknown = (name: string, found: string, fix: string): Check => ({
  name,
  status: 'unknown',
  found,
  fix,
})

export const reasonOf = (error: unknown): string => {
  const { message, code } = error as { message?: string; code?: string }
  return message || code || String(error)
}
