/**
 * Looks at the refs of repositories that send no webhooks. A ref that names another commit than its newest
 * push is a push; nothing is written when nothing moved.
 */
import { kindOfRef, possibleEnvironments } from '@headway/schemas/rules/environment.ts'
import type { Assets } from './assets.ts'
import { refKey, rulesFor, type Board } from './board.ts'
import { GitError } from './git.ts'
import { nameOf, receive } from './made.ts'
import { placeOf, targetsOf, tellTrouble, type ResolveDoors } from './resolve.ts'

/** Refs of one repository that one look takes up; the rest comes with the next. */
const refsMax = 200

export const pollSource = async (
  doors: ResolveDoors,
  board: Board,
  assets: Assets,
  { tenant, source }: { readonly tenant: string; readonly source: string },
  signal: AbortSignal,
): Promise<void> => {
  const { definition } = board.source(tenant, source)
  for (const repository of definition?.poll?.repositories ?? []) {
    const place = { tenant, source, repository }
    const rules = rulesFor(board.of(tenant), place)
    if (rules.length === 0) continue
    const targets = rules.flatMap(([rule]) => targetsOf(assets, place, rule))
    try {
      const refs = await doors.git.refs(placeOf(place, definition!), signal)
      for (const asset of targets) {
        const { trouble } = asset.state
        if (trouble === null || trouble.startsWith('push_refused')) continue
        const arrival = { type: 'Unchanged' as const, asset: asset.key, now: doors.clock.now() }
        await assets.record(asset, { arrival }, () => false)
      }
      await takeUp(doors, board, place, refs, signal)
    } catch (error) {
      if (!(error instanceof GitError)) throw error
      if (error.type === 'stopped') return
      const { type, message } = error
      doors.logger.warn({ source, repository, error: message }, 'a repository cannot be looked at')
      for (const asset of targets) await tellTrouble({ doors, assets }, asset, { type, message })
    }
  }
}

const takeUp = async (
  doors: ResolveDoors,
  board: Board,
  place: { readonly tenant: string; readonly source: string; readonly repository: string },
  refs: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<void> => {
  const { tenant, source, repository } = place
  const rules = rulesFor(board.of(tenant), place)
  let taken = 0
  for (const [ref, commit] of refs) {
    const isWanted = rules.some(([, rule]) => possibleEnvironments(rule, { ref }).size > 0)
    const newest = board.source(tenant, source).newest.get(refKey({ repository, ref }))
    if (!isWanted || newest?.commit === commit) continue
    if (taken++ >= refsMax) return
    const { kind, name } = kindOfRef({ ref })
    const delivery = `poll:${nameOf(repository, ref, commit, newest?.seq ?? 0)}`
    await receive(
      doors,
      board,
      {
        ...place,
        delivery,
        event: 'poll',
        ref,
        commit,
        actor: 'headway',
        ...(kind === 'pull_request' ? { pullRequest: Number(name) } : {}),
      },
      signal,
    )
  }
}
