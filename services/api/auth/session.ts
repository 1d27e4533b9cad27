/**
 * Sessions of browsers: who somebody is, signed, in a cookie that scripts cannot read and other sites
 * cannot send. Nothing is stored; what a session was made of is looked at again with every request, so a
 * revoked token ends its sessions.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { isRole, type Role } from '@headway/schemas/roles.ts'

export type Session = {
  readonly name: string
  readonly role: Role
  readonly tenant: string
  /** Milliseconds since 1970 UTC. */
  readonly until: number
  /** The API token that it was made of. */
  readonly token?: string
}

export const cookieName = 'headway_session'
const cookieCharactersMax = 2_000

const macOf = (key: string, body: string): Buffer =>
  createHmac('sha256', key).update(`headway-session-1.${body}`).digest()

export const sealSession = (key: string, session: Session): string => {
  const body = Buffer.from(JSON.stringify(session)).toString('base64url')
  return `${body}.${macOf(key, body).toString('base64url')}`
}

export const openSession = (key: string, text: string, now: number): Session | null => {
  const [body = '', mac = '', more] = text.split('.')
  if (text.length > cookieCharactersMax || more !== undefined) return null
  const given = Buffer.from(mac, 'base64url')
  const wanted = macOf(key, body)
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return null
  const session = JSON.parse(Buffer.from(body, 'base64url').toString()) as Session
  return isRole(session.role) && now < session.until ? session : null
}

export const readCookie = (header: string | undefined): string | null => {
  for (const pair of (header ?? '').split(';')) {
    const [name, value] = pair.trim().split('=', 2)
    if (name === cookieName && value) return value
  }
  return null
}

const attributes = 'Path=/; HttpOnly; Secure; SameSite=Strict'
export const setCookie = (value: string, ageS: number): string =>
  `${cookieName}=${value}; Max-Age=${ageS}; ${attributes}`
export const endCookie = `${cookieName}=; Max-Age=0; ${attributes}`
