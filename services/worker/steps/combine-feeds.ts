import type { FeedEntity } from '@headway/schemas/content/gtfs-realtime-messages.ts'
import { gtfsRealtime } from '@headway/schemas/content/gtfs-realtime.ts'
import type { RealtimeFeed } from '@headway/schemas/content/gtfs-realtime.ts'
import { unknownFields } from '@headway/schemas/content/protobuf-table.ts'
import { step, Type } from './step.ts'
import type { StepContext } from './step.ts'

/**
 * Makes one feed of several, in the order in which they are given: the buses and the trains, or the
 * vehicle positions and the trip updates of one agency.
 *
 * An entity id may occur once in a feed. Of two entities of one kind the first one wins and what is
 * left out is reported. Of different kinds (some agencies number vehicles and trip updates alike) both
 * stay, the later one as `<id>:<kind>`, so combining what was combined already changes nothing.
 *
 * The header is that of the first feed, with the newest timestamp of all. When every input is
 * absent the result is a feed that says nothing, as of now.
 */

const namedIdsMax = 5
const entityKinds = [
  'trip_update',
  'vehicle',
  'alert',
  'shape',
  'stop',
  'trip_modifications',
] as const

const someOf = (ids: readonly string[]): string =>
  [...new Set(ids)].slice(0, namedIdsMax).join(', ')

/** What an entity speaks of; entities with several parts count as their first. */
const kindOf = (entity: FeedEntity): string =>
  entityKinds.find((kind) => entity[kind] !== undefined) ?? 'entity'

const reportDuplicates = (ids: readonly string[], context: StepContext): void => {
  const [first] = ids
  if (first === undefined) return
  context.finding({
    code: 'duplicate_entity_id',
    severity: 'warning',
    message: `entities were left out because an earlier one has their id: ${someOf(ids)}`,
    subject: { entity_id: first },
    count: ids.length,
  })
}

const reportQualified = (ids: readonly string[], context: StepContext): void => {
  if (ids.length === 0) return
  context.finding({
    code: 'entity_id_qualified',
    severity: 'info',
    message: `entities of another kind had the id already; the later ones are ${someOf(ids)}`,
    count: ids.length,
  })
}

const reportVersions = (feeds: readonly RealtimeFeed[], context: StepContext): void => {
  const versions = [...new Set(feeds.map((feed) => feed.header.gtfs_realtime_version))]
  if (versions.length < 2) return
  context.finding({
    code: 'mixed_versions',
    severity: 'warning',
    message: `the feeds have the versions ${versions.join(', ')}; the first one is kept`,
  })
}

const headerOf = (feeds: readonly RealtimeFeed[], now: string): RealtimeFeed['header'] => {
  const [first] = feeds
  if (!first) {
    const timestamp = Math.floor(Date.parse(now) / 1000)
    return { gtfs_realtime_version: '2.0', incrementality: 'FULL_DATASET', timestamp }
  }
  const newest = Math.max(...feeds.map((feed) => feed.header.timestamp ?? 0))
  return newest === (first.header.timestamp ?? 0)
    ? first.header
    : { ...first.header, timestamp: newest }
}

export const combineFeeds = step({
  name: 'combine_feeds',
  description: 'Makes one realtime feed of several; the first entity with an id wins.',
  inputs: { feeds: [gtfsRealtime] },
  options: Type.Object({}, { additionalProperties: false }),
  output: gtfsRealtime,
  run({ feeds }, context): RealtimeFeed {
    const byId = new Map<string, FeedEntity>()
    const repeated: string[] = []
    const qualified: string[] = []
    for (const entity of feeds.flatMap((feed) => feed.entity)) {
      const kind = kindOf(entity)
      let { id } = entity
      for (let taken = byId.get(id); taken && kindOf(taken) !== kind; taken = byId.get(id))
        id = `${id}:${kind}`
      if (byId.has(id)) repeated.push(id)
      else {
        byId.set(id, id === entity.id ? entity : { ...entity, id })
        if (id !== entity.id) qualified.push(id)
      }
    }
    reportDuplicates(repeated, context)
    reportQualified(qualified, context)
    reportVersions(feeds, context)
    const unknown = Buffer.concat(feeds.map((feed) => feed[unknownFields] ?? Buffer.alloc(0)))
    return {
      header: headerOf(feeds, context.now),
      entity: [...byId.values()],
      ...(unknown.length > 0 && { [unknownFields]: unknown }),
    }
  },
})
