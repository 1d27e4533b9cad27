/** Which keys differ between two commits of an environment, and the way back to the earlier one. */
import { useApi } from '../../api/cache.ts'
import { addressOf } from '../../api/client.ts'
import type { ValueChange } from '../../api/types.ts'
import { useQuery } from '../../router.tsx'
import { Now } from '../../ui/ask.tsx'
import { Card, Empty, Loaded } from '../../ui/page.tsx'
import { Differences, rollBack } from './rollback.tsx'
import { configEvents, useEnvironments } from './value.tsx'

type Known = Pick<ValueChange, 'commit' | 'at' | 'actor' | 'rule'>
/** Commits that changed something, newest first. */
const commitsOf = (changes: readonly ValueChange[]): readonly Known[] =>
  [...new Map(changes.toReversed().map((change) => [change.commit, change])).values()].toReversed()

type CommitChoiceProps = {
  readonly label: string
  readonly name: string
  readonly value: string
  readonly commits: readonly Known[]
  readonly none: string
}
const CommitChoice = ({ label, name, value, commits, none }: CommitChoiceProps) => {
  const { set } = useQuery()
  return (
    <label>
      {label}
      <select value={value} onChange={({ target }) => set({ [name]: target.value })}>
        <option value="">{none}</option>
        {value !== '' && !commits.some(({ commit }) => commit === value) && (
          <option value={value}>{value.slice(0, 9)}</option>
        )}
        {commits.map(({ commit, at, actor }) => (
          <option key={commit} value={commit}>
            {commit.slice(0, 9)}, {at.slice(0, 16).replace('T', ' ')}
            {actor && `, ${actor}`}
          </option>
        ))}
      </select>
    </label>
  )
}

export const DifferenceTab = () => {
  const { query, set } = useQuery()
  const environments = useEnvironments()
  const environment = query.get('environment') || environments[0]
  const log = useApi(
    environment === undefined
      ? null
      : addressOf('GET /api/v1/config/log', { query: { environment, limit: 200 } }),
    configEvents,
  )
  const commits = commitsOf(log.data ?? [])
  const [from, to] = [query.get('from') || commits[1]?.commit, query.get('to') || undefined]
  const rule = query.get('rule') || commits.find(({ commit }) => commit === from)?.rule
  const result = useApi(
    environment === undefined || from === undefined
      ? null
      : addressOf('GET /api/v1/config/diff', { query: { environment, rule, from, to } }),
    configEvents,
  )
  if (log.data && commits.length < 2 && from === undefined)
    return (
      <Card>
        <Empty title="There is only one moment so far">
          Two commits that changed something can be held against each other.
        </Empty>
      </Card>
    )
  return (
    <>
      <div className="filters">
        <label>
          Environment
          <select
            value={environment ?? ''}
            onChange={({ target }) => set({ environment: target.value, from: null, to: null })}
          >
            {environments.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <CommitChoice
          label="From"
          name="from"
          value={from ?? ''}
          commits={commits}
          none="the one before"
        />
        <CommitChoice label="To" name="to" value={to ?? ''} commits={commits} none="now" />
      </div>
      <Card
        title="Keys that differ"
        beside={
          to === undefined &&
          environment !== undefined &&
          from !== undefined &&
          rule !== undefined &&
          result.data &&
          result.data.length > 0 && (
            <Now>
              <button type="button" onClick={() => void rollBack({ rule, environment, to: from })}>
                ↩ Back to {from.slice(0, 9)}…
              </button>
            </Now>
          )
        }
      >
        <Loaded result={result}>
          {(found) =>
            found.length > 0 ? (
              <Differences of={found} />
            ) : (
              <Empty title="Nothing differs">Every key has the same value in both.</Empty>
            )
          }
        </Loaded>
      </Card>
    </>
  )
}
