/**
 * What one push means: for each rule and environment a version of the files of its exact commit, or why
 * there is none. What the remote's ref says is asked after the state of the log was noted, and a version is
 * appended only while that state stands, so of two fetchers the one that asked later is believed.
 */
import type { EventOf } from '@headway/schemas/events.ts'
import { configTree, type ConfigTree } from '@headway/schemas/content/config-tree.ts'
import type { RuleDefinition, SourceDefinition } from '@headway/schemas/rules/definition.ts'
import {
  kindOfRef,
  overridesFile,
  possibleEnvironments,
} from '@headway/schemas/rules/environment.ts'
import { verdictOf } from '@headway/schemas/rules/order.ts'
import { overridden, OverridesError } from '@headway/schemas/rules/overrides.ts'
import { found } from './arrival.ts'
import type { Asset, Assets, Found } from './assets.ts'
import { rulesFor, type Push, type Tenant } from './board.ts'
import { GitError, type File, type Git, type Listed, type Place, type Visit } from './git.ts'
import type { LookDoors } from './look.ts'
import { readTree } from './read-tree.ts'
import { ensureTarget, namedOf, removeTarget } from './targets.ts'
import { leftOutReason, wantedOf, type Wanted } from './wanted.ts'

export type ResolveDoors = LookDoors & { readonly git: Git }
export type Target = EventOf<'PushResolved'>['targets'][number]
export type Resolved = { readonly targets: readonly Target[]; readonly reason?: string }

/** Somebody wrote about a target meanwhile: what was found out may be out of date. */
export class Outrun extends Error {
  override readonly name = 'Outrun'
}

export type Resolving = {
  readonly doors: ResolveDoors
  readonly assets: Assets
  readonly tenant: Tenant
  readonly push: Push
  /** Which try it is; a commit that is nowhere may be on its way to the server that we asked. */
  readonly attempt: number
  readonly signal: AbortSignal
}

const commitAttemptsMax = 4
const reasonMax = 4_000

export const placeOf = (
  { tenant, source, repository }: Pick<Push, 'tenant' | 'source' | 'repository'>,
  { platform, url, auth, allowPrivateHosts }: SourceDefinition,
): Place => ({ tenant, source, platform, url, token: auth?.token, allowPrivateHosts, repository })

/** Which commit a target has now, by which ref it came, and when the log took its push. */
export const lastOf = ({ state }: Pick<Asset, 'state'>) => {
  const { commit, ref, received } = state.latest?.facts ?? {}
  if (typeof commit !== 'string' || typeof ref !== 'string') return null
  return { commit, ref, received: Number(received ?? 0) }
}

/** The targets that a rule has in a repository already. */
export const targetsOf = (
  assets: Assets,
  { tenant, repository }: Pick<Push, 'tenant' | 'repository'>,
  rule: string,
): readonly Asset[] =>
  [...assets.all()].filter((asset) => {
    const target = asset.state.definition?.target
    return asset.tenant === tenant && target?.rule === rule && target.repository === repository
  })

export const resolvePush = async (resolving: Resolving): Promise<Resolved> => {
  const { doors, tenant, push, signal } = resolving
  const { definition } = tenant.sources.get(push.source) ?? { definition: null }
  if (!definition) return { targets: [], reason: 'the source is not defined any more' }
  const rules = rulesFor(tenant, push)
  if (rules.length === 0)
    return { targets: [], reason: `no rule is about ${push.repository} of ${push.source}` }
  const { seq } = await doors.log.head(['asset'])
  return doors.git.visit(
    placeOf(push, definition),
    { ref: push.ref, commit: push.commit },
    signal,
    (visit) => resolveIn({ ...resolving, visit, before: seq }, rules),
  )
}

type Within = Resolving & { readonly visit: Visit; readonly before: number }

const resolveIn = async (
  within: Within,
  rules: readonly (readonly [string, RuleDefinition])[],
): Promise<Resolved> => {
  const { visit, push, attempt, assets } = within
  if (visit.commit === null) return nowhere(visit, push, attempt, rules)
  const listed = await visit.list()
  const overrides = listed.filter(({ path, type }) => path === overridesFile && type === 'file')
  const [file] = await visit.read(overrides)
  const isPullRequest = kindOfRef(push).kind === 'pull_request'
  const targets: Target[] = []
  for (const [name, defined] of rules) {
    try {
      const text = file ? file.bytes.toString('utf8') : null
      const rule = overridden(name, defined, text, isPullRequest)
      const known = targetsOf(assets, push, name).filter((it) => lastOf(it)?.ref === push.ref)
      const environments = known.map(({ state }) => state.definition!.target!.environment)
      const all = wantedOf(rule, push, listed, new Set(push.dryRun ? [] : environments))
      for (const wanted of all)
        targets.push(await resolveTarget({ ...within, listed }, name, rule, wanted))
      const kept = new Set(all.map(({ environment }) => environment))
      for (const asset of isWholeTip(within) ? known : [])
        if (!kept.has(asset.state.definition!.target!.environment))
          targets.push(await retire(within, asset))
    } catch (error) {
      if (!(error instanceof OverridesError)) throw error
      targets.push({ rule: name, environment: '', outcome: 'refused', reason: error.message })
    }
  }
  if (targets.length > 0) return { targets }
  return { targets, reason: 'no environment of any rule gets files of this commit' }
}

/** All that the ref means now; only then is what it does not lead to left behind. */
const isWholeTip = ({ visit, push }: Within): boolean =>
  visit.commit === visit.tip && !push.dryRun && push.environment === undefined

/** Ends a target that its ref brought and does not lead to any more. */
const retire = async ({ doors, assets, push }: Within, asset: Asset): Promise<Target> => {
  const { rule, environment, pipeline } = asset.state.definition!.target!
  const reason = `${push.ref} does not lead to ${environment} any more`
  await removeTarget(doors, assets, asset, reason)
  return { rule, environment, asset: asset.key, pipeline, outcome: 'retired', reason }
}

/** The commit is not to be had. When the ref names another one for good, it was moved away. */
const nowhere = (
  { tip }: Visit,
  { ref, commit }: Push,
  attempt: number,
  rules: readonly (readonly [string, RuleDefinition])[],
): Resolved => {
  if (attempt < commitAttemptsMax || tip === null)
    throw new GitError(
      'commit_missing',
      `the server has no commit ${commit ?? `of ${ref}`}`,
      tip !== null || attempt < commitAttemptsMax,
    )
  const reason = `${ref} names ${tip.slice(0, 12)} now, and the commit is nowhere any more`
  return {
    targets: rules.map(([rule]) => ({ rule, environment: '', outcome: 'older' as const, reason })),
  }
}

type Listing = Within & { readonly listed: readonly Listed[] }

const resolveTarget = async (
  within: Listing,
  name: string,
  rule: RuleDefinition,
  wanted: Wanted,
): Promise<Target> => {
  const { doors, assets, visit, push, before } = within
  const { environment } = wanted
  const { repository, dryRun } = push
  const place = { rule: name, repository, environment, dryRun }
  const named = namedOf(rule, place)
  const { pipeline } = named.target
  const base = { rule: name, environment, asset: named.asset, pipeline }
  const asset = assets.of(push.tenant, named.asset)
  await assets.catchUp(asset)
  if (asset.state.topicSeq > before) throw new Outrun(named.asset)
  const { latest } = asset.state
  const last = lastOf(asset)
  if (!dryRun) {
    const standing = { commit: visit.commit!, ref: push.ref, tip: visit.tip, last }
    const isLater = push.seq >= (last?.received ?? 0)
    const verdict = await verdictOf({ ...standing, isLater }, visit.isAncestor)
    if (verdict.outcome === 'older') return { ...base, ...verdict }
  }
  let came: Found
  try {
    came = await treeOf(within, { name, rule, wanted, key: named.asset })
  } catch (error) {
    if (!(error instanceof GitError && error.type === 'too_large')) throw error
    await tellTrouble(within, asset, { type: 'push_refused', message: error.message })
    return { ...base, outcome: 'refused', reason: error.message.slice(0, reasonMax) }
  }
  if (!(await ensureTarget(doors, assets, asset, named, place))) throw new Outrun(named.asset)
  const isRecorded = await assets.record(
    asset,
    came,
    (state) => state.latest?.version !== latest?.version || !state.definition,
  )
  if (!isRecorded) throw new Outrun(named.asset)
  const { version } = asset.state.latest!
  const reason = leftOutReason(wanted.leftOut)
  return {
    ...base,
    version,
    outcome: version === latest?.version ? 'unchanged' : 'versioned',
    ...(reason ? { reason: reason.slice(0, reasonMax) } : {}),
  }
}

/** The bytes of a version, and what they are a version of. */
const treeOf = async (
  { doors, tenant, visit, push, signal, listed }: Listing,
  { name, rule, wanted, key }: { name: string; rule: RuleDefinition; wanted: Wanted; key: string },
): Promise<Found> => {
  const { jsonSchema } = rule.validate ?? {}
  const [details, files] = await Promise.all([
    visit.details(),
    readTree(visit, wanted.files, jsonSchema, listed),
  ])
  const sinks = rule.sinks.flatMap((sink) => {
    const defined = tenant.sinks.get(sink)
    return defined ? [[sink, defined.definition] as const] : []
  })
  const tree: ConfigTree = {
    rule: { name, ...rule },
    sinks: Object.fromEntries(sinks),
    repository: push.repository,
    ref: push.ref,
    commit: visit.commit!,
    ...details,
    environment: wanted.environment,
    dryRun: push.dryRun || rule.dryRun === true,
    files: files.map(fileOf),
  }
  const { bytes } = configTree.encode(tree)[0]!
  const { url } = tenant.sources.get(push.source)!.definition!
  const origin = { by: 'fetch' as const, url: `${url}/${push.repository}.git`, status: 200 }
  const came = { asset: key, now: doors.clock.now(), origin }
  const { arrival } = await found(doors.outside, 'config_tree', bytes, came, signal)
  if (arrival.type !== 'Content') return { arrival }
  const { inspection } = arrival
  const facts = { ...inspection.facts, ref: push.ref, received: push.seq, push: push.task }
  return { arrival: { ...arrival, inspection: { ...inspection, facts } }, bytes }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Text where the bytes are text, and come back from it as they were. */
const fileOf = ({ path, bytes }: File): ConfigTree['files'][number] => {
  try {
    return { path, text: utf8.decode(bytes) }
  } catch {
    return { path, base64: bytes.toString('base64') }
  }
}

/** The answer to a push that cannot be looked at: a failure wherever it could have gone. */
export const failedTargets = (
  rules: readonly (readonly [string, RuleDefinition])[],
  push: Push,
  reason: string,
): readonly Target[] =>
  rules.flatMap(([rule, definition]) =>
    [...possibleEnvironments(definition, push)].map((environment) => ({
      rule,
      environment,
      outcome: 'failed' as const,
      reason,
    })),
  )

/** Says on a target that it does not get what it should. */
export const tellTrouble = async (
  { doors, assets }: Pick<Resolving, 'doors' | 'assets'>,
  asset: Asset,
  error: { readonly type: string; readonly message: string },
): Promise<void> => {
  const arrival = { type: 'Failed' as const, asset: asset.key, now: doors.clock.now(), error }
  await assets.record(asset, { arrival }, () => false)
}
