/** `--as-of`: what a command reads, it reads as of then; and it changes nothing. */
import { CliError } from './errors.ts'

let moment: string | null = null

export const lookAt = (text: string): void => {
  moment = text
}

/** The same address as of then. */
export const asOf = (path: string, method: string): string => {
  if (moment === null) return path
  if (method !== 'GET')
    throw new CliError('usage', '--as-of is for looking: leave it out to change something')
  return `${path}${path.includes('?') ? '&' : '?'}asOf=${encodeURIComponent(moment)}`
}
