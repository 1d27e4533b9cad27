/**
 * Sessions: a browser hands in a token once and gets a cookie for it that scripts cannot read. `GET` says
 * who somebody is here and what they may do, also where nobody has to say it.
 */
import { Type } from 'typebox'
import { roles } from '@headway/schemas/roles.ts'
import { base, type Api, type Routes } from '../api.ts'
import type { Identity } from '../auth/identity.ts'
import { endCookie, setCookie } from '../auth/session.ts'
import { toTimestamp } from '@headway/schemas/ids.ts'
import { Nullable, Time } from '../shapes.ts'

const Session = Type.Object({
  name: Type.String(),
  role: Type.Enum([...roles]),
  tenant: Type.String(),
  /** False where nobody has to say who they are. */
  required: Type.Boolean(),
  until: Nullable(Time),
})

const present = (api: Api, { name, role, open }: Identity, until: number) => ({
  name,
  role,
  tenant: api.tenant,
  required: !open,
  until: until === Infinity ? null : toTimestamp(until),
})

export const sessionRoutes: Routes = (app, api) => {
  const config = { role: 'viewer' as const, unprojected: true }
  const tags = ['access']
  const response = { 200: Session }
  app.get(
    `${base}/session`,
    { config, schema: { summary: 'Who asks, and what they may do', tags, response } },
    async ({ identity }, reply) => {
      void reply.header('cache-control', 'no-store')
      return present(api, identity, identity.until)
    },
  )
  app.post(
    `${base}/session`,
    { config, schema: { summary: 'A cookie for the token that is sent', tags, response } },
    async ({ identity }, reply) => {
      void reply.header('cache-control', 'no-store')
      if (identity.open) return present(api, identity, identity.until)
      const { sealed, until } = api.identities.seal(identity)
      const ageS = Math.max(1, Math.floor((until - api.clock.now()) / 1_000))
      void reply.header('set-cookie', setCookie(sealed, ageS))
      return present(api, identity, until)
    },
  )
  app.delete(
    `${base}/session`,
    {
      config: { role: 'public', unprojected: true },
      schema: { summary: 'Forget the cookie', tags, response: { 204: Type.Null() } },
    },
    async (_, reply) => reply.code(204).header('set-cookie', endCookie).send(null),
  )
}
