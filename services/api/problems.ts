/**
 * Every code that an answer may carry, with what it means and what to do: the page at /problems, to which
 * the `type` of each problem points. A code keeps its meaning for good; a test finds those that lack here.
 */
import { refusalCodes } from '@headway/schemas/content/kind.ts'
import type { App } from './api.ts'

const meanings: Readonly<Record<string, string>> = {
  ambiguous_commit: 'Several commits begin with what was given. Write more of it.',
  as_of_beyond_head: 'The log is not that long yet. `head` is its newest commit.',
  as_of_not_ready: 'The earlier state is being made from the log. Ask again; `done` of `total`.',
  asset_has_no_source: 'Nothing is fetched for this asset: it is pushed, or runs make it.',
  asset_is_fetched:
    'The asset has a url; its bytes come from there. POST to its /fetch to look now.',
  asset_is_produced: 'Only runs of a pipeline make versions of this asset. Trigger that pipeline.',
  asset_is_removed: 'The configuration has this asset no more. Define it again to use it.',
  bad_body: 'The body does not fit; `errors` names each fault. Correct them.',
  bad_credentials: 'The token is unknown, expired, revoked or not for this API. Get a new one.',
  bad_cursor: 'The cursor is not of this list with these filters. Start without it.',
  bad_header: 'A header does not have the form it must have. The detail says which.',
  bad_parameter: 'A parameter has no value that is known here; `errors` names it.',
  bad_payload: 'The delivery is not one that its platform sends. Look at the webhook settings.',
  bad_request: 'The request does not fit what is asked here.',
  bad_signature: 'No key of the source signed this body. Set the same secret on both sides.',
  bad_url: 'The path is not valid. Encode each part of it.',
  body_too_large: 'The body is larger than is accepted here.',
  canary_ended: 'All runs of the canary have ended; there is nothing to stop.',
  canary_running: 'The pipeline has a canary already. Stop it, or wait for its end.',
  conflict: 'Others decide about the same thing right now. Look again, then repeat.',
  console_unavailable: 'The console could not be built. The detail says why; the API works.',
  content_damaged: 'The stored bytes are not what was stored. Restore them from a copy.',
  content_gone: 'The bytes of this version are no longer kept. Newer versions are.',
  content_length_mismatch: 'The body is not as long as it says. Nothing was taken: send it again.',
  content_unavailable: 'The content store does not answer. Try again.',
  cross_site_request: 'A page of another site asked for a change through a browser. Use this site.',
  database_slow: 'Postgres took too long. Ask for less: a filter, a smaller limit.',
  database_unavailable: 'Postgres does not answer. What is written still counts; try again.',
  dry_rule: 'The rule is a dry run and writes nowhere. Take `dryRun` out of it first.',
  foreign_host: 'The API asks nobody who they are, so it answers only to localhost.',
  idempotency_key_reused: 'The key was used for another request. Take a new one for each thing.',
  identity_provider_unavailable: 'The keys of the OpenID provider cannot be had. Try again.',
  interaction_cancelled: 'The run ended before the question was answered.',
  interaction_completed: 'The question is answered already, and otherwise.',
  interaction_expired: 'The deadline of the question has passed. Redrive the run to ask again.',
  internal_error: 'This is our fault; the log has it under the request id of `instance`.',
  log_unavailable: 'NATS does not answer. Repeat with the same Idempotency-Key.',
  malformed_json: 'The body is not JSON.',
  method_not_allowed: 'The path exists for the methods that `Allow` names.',
  no_active_release: 'No version of the pipeline is active. Start a worker with its folder.',
  no_role: 'The token gives no role here. Ask for a group that HEADWAY_OIDC_ROLES names.',
  no_shadow: 'No copy of the tables was built that could go on. Rebuild first.',
  no_version: 'The asset has no version yet. GET it to see why.',
  not_acceptable: 'The answer is JSON. Accept application/json, or anything.',
  not_found: 'There is nothing at this path. /docs shows what there is.',
  not_projected_yet: 'The read models are not made yet. Start the projector.',
  not_redrivable: 'The run is not one that ended badly, or its inputs are gone.',
  not_waiting: 'Nothing is asked under this name any more.',
  nothing_to_roll_back_to: 'The pipeline has had one active version so far.',
  other_correlation: 'The question has another correlation id.',
  other_pipeline: 'The question belongs to another pipeline.',
  never_held: 'A sink never held what was there then. Name a sink that did.',
  other_tenant: 'The token is for another tenant.',
  own_token: 'A token cannot end itself. Use another one.',
  pipeline_missing: 'A version belongs to one pipeline. Name it in the filter.',
  projections_busy: 'A rebuild or a comparison is under way already. Wait for its end.',
  projector_unavailable: 'No projector answers. Start one, or try again.',
  range_not_satisfiable: 'The range begins behind the end of the bytes.',
  release_active: 'The version is active. Activate another one first.',
  release_in_use: 'Runs on this version have not ended. Wait for them, or cancel them.',
  release_retired: 'The version is retired; nothing new can be pinned to it.',
  response_misfit: 'The response does not fit the schema of the question.',
  resume_keys_missing: 'The API has no keys to sign with. Start it with HEADWAY_RESUME_KEYS.',
  resume_token_expired: 'The resume token has expired. Ask for a new one.',
  resume_token_invalid: 'The resume token was changed, is of another question, or is none.',
  resume_token_required: 'This question takes answers with a resume token only.',
  role_too_low: 'Your role does not allow this; `needed` names the one that does.',
  run_ended: 'The run has ended. There is nothing to cancel.',
  session_ended: 'The session is over. Sign in again.',
  sink_not_of_rule: 'The rule has no such sink. The detail lists those it has.',
  source_busy: 'The log does not keep up with this source. Send it again.',
  source_keys_unavailable: 'The keys of the source cannot be read here. Send it again later.',
  too_many_deliveries: 'A source or an address delivers more than is taken. Wait `Retry-After`.',
  too_many_requests: 'This is more than is answered. Wait as long as `Retry-After` says.',
  too_many_runs: 'The filter finds too many runs. Narrow it.',
  unauthenticated: 'Say who you are: `Authorization: Bearer <token>`.',
  unknown_moment: 'Nothing was changed by then. Name a later moment.',
  unknown_parameter: 'A query parameter is not known here. The detail lists those that are.',
  unknown_rendition: 'The version has no rendition of this name.',
  unsupported_encoding: 'Send the bytes without Content-Encoding.',
  unsupported_media_type: 'Send JSON and say so in Content-Type.',
  window_not_open: 'No change waits. Ask for a run instead.',
  worker_unavailable: 'The worker is gone.',
}

const refused = (code: string): string =>
  `The bytes that were pushed are refused (${code.replaceAll('_', ' ')}); the detail says where.`

/** What a code means; null for one that nobody wrote down. */
export const meaningOf = (code: string): string | null => {
  if (Object.hasOwn(meanings, code)) return meanings[code]!
  if ((refusalCodes as readonly string[]).includes(code)) return refused(code)
  const what = /^unknown_([a-z_]+)$/.exec(code)?.[1]
  return what ? `There is no ${what.replaceAll('_', ' ')} of this name here.` : null
}

export const problemUrl = (code: string): string => `/problems#${code}`

const things =
  'asset canary commit dead_letter interaction pipeline redrive release rule run sink source ' +
  'step task token version worker'
const codes = (): readonly string[] =>
  [
    ...Object.keys(meanings),
    ...refusalCodes,
    ...things.split(' ').map((thing) => `unknown_${thing}`),
  ].toSorted()

const page = (): string => {
  const rows = codes().map(
    (code) => `<dt id="${code}"><code>${code}</code></dt><dd>${meaningOf(code)}</dd>`,
  )
  const title = 'Problems of the Headway API'
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head>
<body><main><h1>${title}</h1><p>Each answer that is not what was asked for is
application/problem+json; its <code>code</code> is one of these and never changes its meaning.
With <code>retryable</code> the same request may succeed later.</p>
<dl>
${rows.join('\n').replaceAll('`', '')}
</dl></main></body></html>`
}

export const serveProblems = (app: App): void => {
  const config = { role: 'public' as const, anyMedia: true, unprojected: true }
  app.get('/problems', { config, schema: { hide: true } }, (_, reply) =>
    reply.type('text/html; charset=utf-8').send(page()),
  )
}
