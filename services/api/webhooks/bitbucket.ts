/**
 * Bitbucket, in the cloud and as a server of one's own (Data Center), whose bodies have little in common.
 * One delivery may tell of several refs. The cloud names a pull request's commit by its first digits
 * only; an exact commit is what we fetch, so there the push of the branch is what counts.
 */
import { at, firstOf, listAt, numberAt, textAt, timeAt } from './payload.ts'
import type { Platform, Push, Told } from './platform.ts'
import { eventOfRef, pushOf } from './push.ts'
import { isPrefixedHexOf } from './signature.ts'

/** All of them or none: half of a delivery would never be told again. */
const allOf = (pushes: readonly (Push | null)[], nothing: string): Told => {
  if (pushes.includes(null)) return null
  return pushes.length === 0 ? { ignored: nothing } : (pushes as readonly Push[])
}

const nothingMoved = 'it only deletes refs'

const readCloudPush = (payload: unknown): Told => {
  const changes = listAt(payload, 'push', 'changes')
  if (changes.length === 0) return null
  const moved = changes.filter((change) => at(change, 'new') !== null)
  const pushes = moved.map((change) => {
    const isTag = textAt(change, 'new', 'type') === 'tag'
    const name = textAt(change, 'new', 'name')
    return pushOf({
      event: isTag ? 'tag' : 'push',
      repository: textAt(payload, 'repository', 'full_name'),
      ref: name && `refs/${isTag ? 'tags' : 'heads'}/${name}`,
      commit: textAt(change, 'new', 'target', 'hash'),
      before: textAt(change, 'old', 'target', 'hash'),
      pushedAt: timeAt(change, 'new', 'date') ?? timeAt(change, 'new', 'target', 'date'),
      actor: firstOf(
        textAt(payload, 'actor', 'nickname'),
        textAt(payload, 'actor', 'display_name'),
      ),
    })
  })
  return allOf(pushes, nothingMoved)
}

const serverRepository = (repository: unknown): string | null => {
  const project = textAt(repository, 'project', 'key')
  const slug = textAt(repository, 'slug')
  return project && slug && `${project}/${slug}`
}

const serverActor = (payload: unknown): string | null => textAt(payload, 'actor', 'name')

const readServerPush = (payload: unknown): Told => {
  const changes = listAt(payload, 'changes')
  if (changes.length === 0) return null
  const moved = changes.filter((change) => textAt(change, 'type') !== 'DELETE')
  const pushes = moved.map((change) => {
    const ref = textAt(change, 'ref', 'id')
    const event = ref && eventOfRef(ref)
    if (!event) return null
    return pushOf({
      event,
      repository: serverRepository(at(payload, 'repository')),
      ref,
      commit: textAt(change, 'toHash'),
      before: textAt(change, 'fromHash'),
      pushedAt: timeAt(payload, 'date'),
      actor: serverActor(payload),
    })
  })
  return allOf(pushes, nothingMoved)
}

const readServerPullRequest = (payload: unknown): Told => {
  const number = numberAt(payload, 'pullRequest', 'id')
  const push = pushOf({
    event: 'pull_request',
    repository: serverRepository(at(payload, 'pullRequest', 'toRef', 'repository')),
    ref: `refs/pull-requests/${number ?? 0}/from`,
    commit: textAt(payload, 'pullRequest', 'fromRef', 'latestCommit'),
    before: textAt(payload, 'previousFromHash'),
    pullRequest: number,
    pushedAt: timeAt(payload, 'date'),
    actor: serverActor(payload),
  })
  return push && number !== null ? [push] : null
}

const readers: Readonly<Record<string, (payload: unknown) => Told>> = {
  'repo:push': readCloudPush,
  'repo:refs_changed': readServerPush,
  'pr:opened': readServerPullRequest,
  'pr:from_ref_updated': readServerPullRequest,
}

export const bitbucket: Platform = {
  delivery: (headers) => headers['x-request-uuid'] ?? headers['x-request-id'] ?? null,
  signed: (headers, body, keys) => isPrefixedHexOf(headers['x-hub-signature'], body, keys),
  read: (headers, payload) => {
    const event = headers['x-event-key'] ?? 'none'
    if (event.startsWith('pullrequest:'))
      return {
        ignored: `${event} names its commit by the first digits only; the push of its branch counts`,
      }
    return readers[event]?.(payload) ?? (readers[event] ? null : notOurs(event))
  },
}

const notOurs = (event: string): Told => ({
  ignored: `event ${event} is neither a push nor a moved pull request`,
})
