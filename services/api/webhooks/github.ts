/** GitHub: https://docs.github.com/webhooks. An annotated tag's `after` is the tag, not its commit. */
import { at, firstOf, numberAt, textAt, timeAt } from './payload.ts'
import type { Platform, Told } from './platform.ts'
import { eventOfRef, one, pushOf } from './push.ts'
import { isPrefixedHexOf } from './signature.ts'

export const readPush = (payload: unknown): Told => {
  const ref = textAt(payload, 'ref')
  const event = ref && eventOfRef(ref)
  if (ref === null) return null
  if (!event) return { ignored: `${ref} is neither a branch nor a tag` }
  const after = textAt(payload, 'after')
  if (at(payload, 'deleted') === true || /^0+$/.test(after ?? '-'))
    return { ignored: `${ref} was deleted` }
  return one(
    pushOf({
      event,
      repository: textAt(payload, 'repository', 'full_name'),
      ref,
      commit: firstOf(textAt(payload, 'head_commit', 'id'), after),
      before: textAt(payload, 'before'),
      pushedAt:
        timeAt(payload, 'repository', 'pushed_at') ?? timeAt(payload, 'head_commit', 'timestamp'),
      actor: firstOf(
        textAt(payload, 'pusher', 'login'),
        textAt(payload, 'pusher', 'name'),
        textAt(payload, 'sender', 'login'),
      ),
    }),
  )
}

const moved = new Set(['opened', 'reopened', 'synchronize', 'synchronized'])

export const readPullRequest = (payload: unknown): Told => {
  const action = textAt(payload, 'action')
  const number = numberAt(payload, 'number') ?? numberAt(payload, 'pull_request', 'number')
  if (action === null || number === null) return null
  if (!moved.has(action)) return { ignored: `${action} of a pull request moves no commit` }
  return one(
    pushOf({
      event: 'pull_request',
      repository: textAt(payload, 'repository', 'full_name'),
      ref: `refs/pull/${number}/head`,
      commit: textAt(payload, 'pull_request', 'head', 'sha'),
      before: textAt(payload, 'before'),
      pullRequest: number,
      pushedAt: timeAt(payload, 'pull_request', 'updated_at'),
      actor: textAt(payload, 'sender', 'login'),
    }),
  )
}

export const github: Platform = {
  delivery: (headers) => headers['x-github-delivery'] ?? null,
  signed: (headers, body, keys) => isPrefixedHexOf(headers['x-hub-signature-256'], body, keys),
  read: (headers, payload) => {
    const event = headers['x-github-event'] ?? 'none'
    if (event === 'push') return readPush(payload)
    if (event === 'pull_request') return readPullRequest(payload)
    return { ignored: `event ${event} is neither push nor pull_request` }
  },
}
