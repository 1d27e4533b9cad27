/** A push that nobody made: somebody wants a repository to be looked at. */
import { Type, type Static } from 'typebox'
import type { Api } from '../api.ts'
import { Problem } from '../problem.ts'
import { written } from '../write.ts'
import type { Taken } from './intake.ts'
import { commitOf, refOf, repositoryOf } from './payload.ts'
import { requireSource } from './receive.ts'

export const WantedSync = Type.Object(
  {
    repository: Type.String({ description: 'owner/name' }),
    ref: Type.Optional(Type.String({ description: 'a branch, or a ref in full; main' })),
    commit: Type.Optional(Type.String({ description: 'in full; the newest of the ref' })),
    rule: Type.Optional(Type.String({ description: 'only for this rule' })),
    environment: Type.Optional(Type.String({ description: 'only for this environment' })),
    reason: Type.Optional(Type.String({ maxLength: 1_000 })),
    dryRun: Type.Optional(Type.Boolean({ description: 'plan, never write' })),
  },
  { additionalProperties: false },
)

const bad = (field: string, detail: string): Problem =>
  new Problem(400, 'bad_body', `#/${field} ${detail}`, {
    errors: [{ pointer: `#/${field}`, detail }],
  })

const fullRef = (ref: string): string | null =>
  refOf(ref.startsWith('refs/') ? ref : `refs/heads/${ref}`)

const rulePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/

export const requestSync = async (
  api: Api,
  name: string,
  wanted: Static<typeof WantedSync>,
  asked: { readonly actor: string; readonly id: string },
): Promise<Taken> => {
  const source = await requireSource(api, name)
  const repository = repositoryOf(wanted.repository)
  if (repository === null) throw bad('repository', 'must be owner/name')
  const ref = fullRef(wanted.ref ?? 'main')
  if (ref === null) throw bad('ref', 'must be a branch or a ref in full, like refs/tags/v1')
  const commit = wanted.commit === undefined ? null : commitOf(wanted.commit)
  if (wanted.commit !== undefined && commit === null)
    throw bad('commit', 'must be all 40 or 64 digits of a commit')
  const { rule, environment, reason, dryRun = false } = wanted
  if (rule !== undefined && !rulePattern.test(rule)) throw bad('rule', 'must be the name of a rule')
  const arrival = {
    delivery: `manual:${asked.id}${dryRun ? '#dry-run' : ''}`,
    platform: source.definition.platform,
    event: 'manual' as const,
    repository,
    ref,
    actor: asked.actor,
    dryRun,
    ...(commit === null ? {} : { commit }),
    ...(reason ? { reason } : {}),
    ...(rule === undefined ? {} : { rule }),
    ...(environment === undefined ? {} : { environment }),
  }
  const [taken] = await written(api, api.intake.take(name, [arrival]))
  return taken!
}
