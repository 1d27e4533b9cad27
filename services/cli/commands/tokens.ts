/** API tokens: over the API, or straight to the log for whoever holds the server itself. */
import { randomBytes } from 'node:crypto'
import { toTimestamp } from '@headway/schemas/ids.ts'
import { isRole, roles, type Role } from '@headway/schemas/roles.ts'
import { mintToken, tokenBytes } from '@headway/schemas/token.ts'
import { actorName, call, field, part, rowOf, rowsOf, type Row } from '../api.ts'
import { CliError } from '../errors.ts'
import { withLog } from '../nats.ts'
import { note, print, printJson, table } from '../terminal.ts'
import type { Invocation } from './entry.ts'
import { keyOf } from './trigger.ts'

const dayMs = 86_400_000

type Wanted = { readonly holder: string; readonly role: Role; readonly days: number }

const wantedOf = ({ options }: Invocation): Wanted => {
  const { holder, role, days } = options
  if (typeof holder !== 'string' || holder === '')
    throw new CliError('usage', '--holder says who uses the token')
  if (!isRole(role)) throw new CliError('usage', `--role is one of ${roles.join(', ')}`)
  const count = Number(days)
  if (!Number.isInteger(count) || count < 1) throw new CliError('usage', '--days is a number')
  return { holder, role, days: count }
}

const write = async ({ holder, role, days }: Wanted, tenant: string, reason: unknown) => {
  const { id, token, hash } = mintToken(randomBytes(tokenBytes.id + tokenBytes.secret))
  const now = Date.now()
  const expiresAt = toTimestamp(now + days * dayMs)
  const name = actorName()
  const actor = typeof reason === 'string' ? { name, reason } : { name }
  await withLog({ ensureStreams: true }, (log) =>
    log.append({
      tenant,
      topic: { kind: 'token', name: id },
      id: `token-${id}`,
      source: 'cli',
      events: [
        {
          type: 'TokenCreated',
          v: 1,
          at: toTimestamp(now),
          token: id,
          hash,
          role,
          holder,
          expiresAt,
          actor,
        },
      ],
    }),
  )
  return { id, token, expiresAt }
}

export const create = async (invocation: Invocation): Promise<void> => {
  const { options } = invocation
  const wanted = wantedOf(invocation)
  const { reason } = options
  const body = { ...wanted, ...(typeof reason === 'string' ? { reason } : {}) }
  const answer = options.direct
    ? await write(wanted, String(options.tenant ?? 'default'), reason)
    : await call('tokens', { method: 'POST', body, ...keyOf(options) })
  if (options.json) return printJson(answer)
  const row = rowOf(answer)
  print(field(row, 'token'))
  note(`${field(row, 'id')} is ${wanted.role} until ${field(row, 'expiresAt')}; it is shown once`)
}

export const list = async ({ options }: Invocation): Promise<void> => {
  const answer = await call('tokens')
  if (options.json) return printJson(answer)
  const column = (title: string, name: string) => ({ title, of: (row: Row) => field(row, name) })
  print(
    table<Row>(
      [
        column('ID', 'id'),
        { ...column('HOLDER', 'holder'), shrinks: true },
        column('ROLE', 'role'),
        column('STATUS', 'status'),
        column('UNTIL', 'expiresAt'),
        { ...column('BY', 'createdBy'), shrinks: true },
      ],
      rowsOf(answer),
    ),
  )
}

export const revoke = async ({ args, options }: Invocation): Promise<void> => {
  const answer = await call(`tokens/${part(args[0]!)}`, { method: 'DELETE' })
  if (options.json) return printJson(answer)
  note(`${args[0]} counts nowhere any more`)
}
