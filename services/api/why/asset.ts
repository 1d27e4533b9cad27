/** Why an asset is stale or fresh, and what came of its newest version. Facts in, sentences out. */
import { base } from '../api.ts'
import type { Asset } from '../routes/asset-shape.ts'
import { nameOf, type RunSummary } from '../routes/run-summary.ts'
import type { Window } from '../routes/windows.ts'
import { next, plural, reason, type Reason, type Why } from './shape.ts'
import { toTimestamp } from '@headway/schemas/ids.ts'

export type AssetFacts = {
  readonly asset: Asset
  readonly origin: {
    readonly by: string
    readonly run?: string
    readonly actor?: unknown
    readonly url?: string
  } | null
  readonly versionSeq: number | null
  /** Windows of the pipelines that it feeds. */
  readonly windows: readonly Window[]
  /** The newest runs that versions of it triggered. */
  readonly runs: readonly RunSummary[]
}

const versionHref = (key: string, version: string): string =>
  `${base}/assets/${key}/versions/${version}`

const newest = ({ asset, origin, versionSeq }: AssetFacts): Reason[] => {
  const { key, latestVersion, latestOrdinal, latestAt } = asset
  if (latestVersion === null) return [reason('no version of it is here')]
  const from =
    origin?.by === 'run'
      ? `run ${origin.run} made it`
      : origin?.by === 'push'
        ? `${nameOf(origin.actor)} pushed it`
        : 'it was fetched'
  return [
    reason(`#${latestOrdinal} is the newest version: ${from}`, {
      since: latestAt,
      href: versionHref(key, latestVersion),
      ...(versionSeq === null ? {} : { seq: versionSeq }),
    }),
  ]
}

const trouble = ({ asset: { trouble: wrong, freshness } }: AssetFacts): Reason[] => [
  ...(wrong
    ? [
        reason(
          `its source is in trouble: ${wrong.code}${wrong.detail ? `: ${wrong.detail}` : ''}`,
          {
            since: wrong.since,
          },
        ),
      ]
    : []),
  ...(freshness.goodAt ? [reason('its source was last well', { since: freshness.goodAt })] : []),
]

const consequences = ({ asset, windows, runs }: AssetFacts): Reason[] => [
  ...windows.flatMap(({ pipelineId, triggers, dueAt, waitingFor }) => {
    const mine = triggers.filter((trigger) => trigger.asset === asset.key)
    if (mine.length === 0) return []
    const until = waitingFor ? waitingFor.detail : `due at ${dueAt}`
    return [
      reason(
        `${plural(mine.length, 'version')} of it wait in the window of ${pipelineId}: ${until}`,
        {
          since: mine[0]!.recordedAt,
          seq: mine[0]!.seq,
          href: `${base}/pipelines/${pipelineId}/window`,
        },
      ),
    ]
  }),
  ...runs.map(({ id, pipelineId, status, requestedAt: since, seq }) =>
    reason(`it triggered run ${id} of ${pipelineId}, which is ${status.replaceAll('_', ' ')}`, {
      since,
      seq,
      href: `${base}/runs/${id}`,
    }),
  ),
]

const stateOf = ({ asset }: AssetFacts): string => {
  const { stale, freshness, trouble: wrong, cached } = asset
  if (asset.removed) return 'it is removed from the configuration'
  const limit = freshness.limitMs === null ? '' : `${Math.round(freshness.limitMs / 1_000)} s`
  if (stale && freshness.ageMs === null) return 'it is stale: nothing good was ever seen of it'
  if (stale)
    return (
      `it is stale: nothing good was seen for ${Math.round((freshness.ageMs ?? 0) / 1_000)} s, ` +
      `and ${limit} are allowed`
    )
  if (wrong) return 'it is fresh enough, and its source is in trouble'
  return cached ? 'it is well' : 'it is known, and no version of it is here'
}

const nextOf = ({ asset }: AssetFacts): Why['next'] => {
  const { notBefore, source, lastCheckedAt, producer } = asset
  if (producer !== null) return next(`runs of ${producer} make versions of it`)
  if (!source) return next(`PUT ${base}/assets/${asset.key}/content makes a version`)
  if (notBefore) return next('it is looked at again; its server asked for this pause', notBefore)
  if (source.cadenceMs === null)
    return next(`it is looked at when somebody asks: POST ${base}/assets/${asset.key}/fetch`)
  return lastCheckedAt === null
    ? next('a fetcher looks at it when one runs')
    : next('it is looked at again', toTimestamp(Date.parse(lastCheckedAt) + source.cadenceMs))
}

export const whyAsset = (facts: AssetFacts): Why => {
  const more = nextOf(facts)
  return {
    answer: `${facts.asset.key}: ${stateOf(facts)}.`,
    because: [...trouble(facts), ...newest(facts), ...consequences(facts)],
    ...(more ? { next: more } : {}),
  }
}
