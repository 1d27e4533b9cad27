/**
 * GitLab sends its key as it is (`X-Gitlab-Token`) and, where a signing token is set, a signature in the
 * form of Standard Webhooks. Where a signature came it counts alone: who can read a token can copy it.
 */
import { at, firstOf, listAt, numberAt, textAt, timeAt } from './payload.ts'
import type { Platform, Told } from './platform.ts'
import { eventOfRef, one, pushOf } from './push.ts'
import { isKey, isStandardOf } from './signature.ts'

const readPush = (payload: unknown): Told => {
  const ref = textAt(payload, 'ref')
  const event = ref && eventOfRef(ref)
  if (ref === null) return null
  if (!event) return { ignored: `${ref} is neither a branch nor a tag` }
  const after = textAt(payload, 'after')
  if (/^0+$/.test(after ?? '-')) return { ignored: `${ref} was deleted` }
  return one(
    pushOf({
      event,
      repository: textAt(payload, 'project', 'path_with_namespace'),
      ref,
      commit: firstOf(textAt(payload, 'checkout_sha'), after),
      before: textAt(payload, 'before'),
      pushedAt: timeAt(listAt(payload, 'commits').at(-1), 'timestamp'),
      actor: firstOf(textAt(payload, 'user_username'), textAt(payload, 'user_name')),
    }),
  )
}

const moved = new Set(['open', 'reopen', 'update'])

const readMergeRequest = (payload: unknown): Told => {
  const attributes = at(payload, 'object_attributes')
  const action = textAt(attributes, 'action')
  const number = numberAt(attributes, 'iid')
  if (action === null || number === null) return null
  const before = textAt(attributes, 'oldrev')
  if (!moved.has(action) || (action === 'update' && before === null))
    return { ignored: `${action} of a merge request moves no commit` }
  return one(
    pushOf({
      event: 'pull_request',
      repository: textAt(payload, 'project', 'path_with_namespace'),
      ref: `refs/merge-requests/${number}/head`,
      commit: textAt(attributes, 'last_commit', 'id'),
      before,
      pullRequest: number,
      pushedAt: timeAt(attributes, 'last_commit', 'timestamp'),
      actor: textAt(payload, 'user', 'username'),
    }),
  )
}

export const gitlab: Platform = {
  // The event's id is shared by hooks that cause each other; the key is the delivery's own.
  delivery: (headers) =>
    headers['idempotency-key'] ?? headers['webhook-id'] ?? headers['x-gitlab-event-uuid'] ?? null,
  signed: (headers, body, keys, now) => {
    const signatures = headers['webhook-signature']
    if (signatures === undefined) return isKey(headers['x-gitlab-token'], keys)
    const given = { id: headers['webhook-id'], timestamp: headers['webhook-timestamp'], signatures }
    return isStandardOf(given, body, keys, now)
  },
  read: (headers, payload) => {
    const event = headers['x-gitlab-event'] ?? 'none'
    const kind = textAt(payload, 'object_kind')
    if (kind === 'push' || kind === 'tag_push') return readPush(payload)
    if (kind === 'merge_request') return readMergeRequest(payload)
    return { ignored: `event ${kind ?? event} is neither push, tag_push nor merge_request` }
  },
}
