/**
 * Contexts of the `nats` command, read and never written: the one that is named, else nothing. What is
 * chosen there for all commands is not taken unasked, because a wrong server would be written to.
 */
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { CliError } from './errors.ts'

type Context = {
  readonly url?: string
  readonly user?: string
  readonly password?: string
  readonly token?: string
  readonly creds?: string
}

const expanded = (path: string): string =>
  path
    .replace(/^~(?=\/)/, homedir())
    .replaceAll(/\$\{?(\w+)\}?/g, (_, name: string) => process.env[name] ?? '')

/** A secret may be a reference: `env://NAME`, `file://path`. */
const secretOf = (text: string): string => {
  if (text.startsWith('env://')) return process.env[text.slice(6)] ?? ''
  if (text.startsWith('file://')) return readFileSync(expanded(text.slice(7)), 'utf8').trim()
  if (/^(op|nsc):\/\//.test(text))
    throw new CliError(
      'usage',
      `secrets like ${text.split(':')[0]}:// are not read: use env or file`,
    )
  return text
}

/** Sets the environment from the context that HEADWAY_NATS_CONTEXT names. */
export const useContext = (): void => {
  const name = process.env.HEADWAY_NATS_CONTEXT
  if (!name || process.env.HEADWAY_NATS_URL) return
  const root = process.env.XDG_CONFIG_HOME || join(homedir(), '.config')
  const path = join(root, 'nats', 'context', `${name}.json`)
  if (!existsSync(path))
    throw new CliError('notFound', `there is no nats context ${name}`, [
      'nats context ls\tlists them',
    ])
  const context = JSON.parse(readFileSync(path, 'utf8')) as Context
  const url = new URL((context.url || 'nats://127.0.0.1:4222').split(',')[0]!)
  if (context.user) url.username = encodeURIComponent(secretOf(context.user))
  if (context.password) url.password = encodeURIComponent(secretOf(context.password))
  if (context.token) url.username = encodeURIComponent(secretOf(context.token))
  process.env.HEADWAY_NATS_URL = url.href.replace(/\/$/, '')
  if (context.creds) process.env.HEADWAY_NATS_CREDS = expanded(context.creds)
}
