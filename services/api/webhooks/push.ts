/** The push that a payload's fields make, or null when one of them is not what it should be. */
import { commitOf, refOf, repositoryOf } from './payload.ts'
import type { Push } from './platform.ts'

type Given = {
  readonly event: Push['event']
  readonly repository: string | null
  readonly ref: string | null
  readonly commit: string | null
  readonly before?: string | null
  readonly pullRequest?: number | null
  readonly pushedAt?: string | null
  readonly actor: string | null
}

const actorMax = 200

export const pushOf = (given: Given): Push | null => {
  const repository = repositoryOf(given.repository)
  const ref = refOf(given.ref)
  const commit = commitOf(given.commit)
  if (repository === null || ref === null || commit === null) return null
  const before = commitOf(given.before ?? null)
  return {
    event: given.event,
    repository,
    ref,
    commit,
    ...(before === null ? {} : { before }),
    ...(given.pullRequest ? { pullRequest: given.pullRequest } : {}),
    ...(given.pushedAt ? { pushedAt: given.pushedAt } : {}),
    actor: (given.actor ?? 'unknown')
      .replaceAll(/\p{Control}|\p{Surrogate}/gu, '')
      .slice(0, actorMax),
  }
}

/** A push of a branch or of a tag; other refs are nobody's configuration. */
export const eventOfRef = (ref: string): 'push' | 'tag' | null =>
  ref.startsWith('refs/heads/') ? 'push' : ref.startsWith('refs/tags/') ? 'tag' : null

export const one = (push: Push | null): readonly Push[] | null => push && [push]
