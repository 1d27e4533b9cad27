/** Gitea and Forgejo: GitHub's bodies under headers of their own, the signature bare. */
import { readPullRequest, readPush } from './github.ts'
import type { Platform } from './platform.ts'
import { isHexOf } from './signature.ts'

export const gitea: Platform = {
  delivery: (headers) => headers['x-gitea-delivery'] ?? headers['x-forgejo-delivery'] ?? null,
  signed: (headers, body, keys) =>
    isHexOf(headers['x-gitea-signature'] ?? headers['x-forgejo-signature'], body, keys),
  read: (headers, payload) => {
    const event = headers['x-gitea-event'] ?? headers['x-forgejo-event'] ?? 'none'
    if (event === 'push') return readPush(payload)
    if (/^pull_request(_sync)?$/.test(event)) return readPullRequest(payload)
    return { ignored: `event ${event} is neither push nor pull_request` }
  },
}
