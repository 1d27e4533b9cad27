import type { FeedEntity } from '../gtfs-realtime-messages.ts'
import type { RealtimeFeed } from '../gtfs-realtime.ts'
import { unknownFields } from '../protobuf-table.ts'
import { changesOf, textOf } from './messages.ts'
import type { PathChange } from './messages.ts'
import { pairByKey } from './pairs.ts'
import type { Pairs } from './pairs.ts'
import { createTally } from './tally.ts'
import type { PartDifference, Tally } from './tally.ts'

/**
 * The difference of two realtime feeds: vehicle positions, trip updates and alerts by the id of
 * their entity, the header as a part of its own. As for the content digest, the order of entities
 * and the timestamp of the header do not count. An entity that carries two of them is looked at in
 * both parts.
 *
 * Some agencies make new ids for every capture (Sound Transit, King County). Entities whose id is
 * gone are therefore the same when they are about the same vehicle or trip; the id is then among
 * the fields that changed.
 */

type Item = {
  readonly id: string
  /** The vehicle or trip it is about; empty for alerts, which are about nothing that lasts. */
  readonly subject: string
  /** The fields of what the entity carries, and its own. */
  readonly value: object
}

const payloads: Readonly<Record<string, (entity: FeedEntity) => object | undefined>> = {
  vehicle_positions: ({ vehicle }) => vehicle,
  trip_updates: ({ trip_update }) => trip_update,
  alerts: ({ alert }) => alert,
  other_entities: ({ vehicle, trip_update, alert, shape, stop, trip_modifications }) =>
    shape || stop || trip_modifications || !(vehicle || trip_update || alert)
      ? { shape, stop, trip_modifications }
      : undefined,
}

const ownFields = ({ id, is_deleted, [unknownFields]: unknown }: FeedEntity) => ({
  entity_id: id,
  entity_is_deleted: is_deleted,
  entity_unknown_fields: unknown && Buffer.from(unknown).toString('hex'),
})

const subjects: Readonly<Record<string, (entity: FeedEntity) => string | undefined>> = {
  vehicle_positions: ({ vehicle }) => vehicle?.vehicle?.id ?? vehicle?.trip?.trip_id,
  trip_updates: ({ trip_update }) =>
    trip_update?.trip.trip_id && `${trip_update.trip.trip_id} ${trip_update.trip.start_date ?? ''}`,
}

const itemsOf = (feed: RealtimeFeed, part: string) =>
  feed.entity.flatMap((entity): Item[] => {
    const payload = payloads[part]?.(entity)
    if (!payload) return []
    const subject = subjects[part]?.(entity) ?? ''
    return [{ id: entity.id, subject, value: { ...payload, ...ownFields(entity) } }]
  })

/** Places in lists are told in samples; counted are fields, whatever the place. */
const fieldsOf = (changes: readonly PathChange[]): Set<string> =>
  new Set(changes.map(({ path }) => path.replaceAll(/\[\d+\]/g, '[]')))

const countChange = (tally: Tally, key: string, before: object, after: object) => {
  const changes = changesOf(before, after)
  if (changes.length > 0)
    tally.count('changed', fieldsOf(changes), () => ({
      key,
      fields: changes.map(({ path, values }) => [path, values()]),
    }))
}

const countAlone = (tally: Tally, change: 'added' | 'removed', { id, value }: Item) =>
  tally.count(change, [], () => {
    const changes = change === 'added' ? changesOf({}, value) : changesOf(value, {})
    return { key: id, fields: changes.map(({ path, values }) => [path, values()]) }
  })

const pairItems = (before: readonly Item[], after: readonly Item[]): Pairs<Item> => {
  const said = ({ value }: Item) => textOf(value)
  const changed = pairByKey(before, after, said, said)
  const idOf = ({ id }: Item) => id
  const sameId = pairByKey(changed.removed, changed.added, idOf, idOf)
  const known = ({ subject }: Item) => subject !== ''
  const subjectOf = ({ subject }: Item) => subject
  const { removed, added } = sameId
  const renamed = pairByKey(removed.filter(known), added.filter(known), subjectOf, subjectOf)
  const unknown = (item: Item) => !known(item)
  return {
    pairs: [...sameId.pairs, ...renamed.pairs],
    removed: [...removed.filter(unknown), ...renamed.removed],
    added: [...added.filter(unknown), ...renamed.added],
  }
}

const compareItems = (name: string, before: readonly Item[], after: readonly Item[]) => {
  const about = { name, unit: 'entities', before: before.length, after: after.length } as const
  const tally = createTally(about)
  const { pairs, removed, added } = pairItems(before, after)
  for (const [one, other] of pairs) countChange(tally, other.id, one.value, other.value)
  for (const item of removed) countAlone(tally, 'removed', item)
  for (const item of added) countAlone(tally, 'added', item)
  return tally.result()
}

/** The header and what stands beside it, which the format does not know. */
const headerOf = (feed: RealtimeFeed): object => {
  const { timestamp: _, ...header } = feed.header
  const unknown = feed[unknownFields]
  return { ...header, ...(unknown && { feed: { [unknownFields]: unknown } }) }
}

const compareHeaders = (before: RealtimeFeed, after: RealtimeFeed) => {
  const tally = createTally({ name: 'header', unit: 'header', before: 1, after: 1 })
  countChange(tally, 'header', headerOf(before), headerOf(after))
  return tally.result()
}

export const compareFeeds = (before: RealtimeFeed, after: RealtimeFeed): PartDifference[] => [
  ...[compareHeaders(before, after) ?? []].flat(),
  ...Object.keys(payloads).flatMap(
    (part) => compareItems(part, itemsOf(before, part), itemsOf(after, part)) ?? [],
  ),
]
