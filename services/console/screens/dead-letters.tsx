/**
 * What died, grouped by what killed it, and doing it again in bulk: first told, then at a rate, and
 * stopped by itself when it fails again.
 */
import { ofKind, useApi, useMore } from '../api/cache.ts'
import { addressOf } from '../api/client.ts'
import type { DeadLetter } from '../api/types.ts'
import { Link, paths, useQuery } from '../router.tsx'
import { Now } from '../ui/ask.tsx'
import { Card, Empty, Id, Loaded, Page, Tabs } from '../ui/page.tsx'
import { State } from '../ui/state.tsx'
import { More, Table } from '../ui/table.tsx'
import { Ago } from '../ui/time.tsx'
import { deadStatuses, RedriveSheet, type Group } from './redrive-sheet.tsx'

const groupsOf = (letters: readonly DeadLetter[]): Group[] => {
  const groups = new Map<string, DeadLetter[]>()
  for (const letter of letters) {
    const key = `${letter.pipelineId} ${letter.fingerprint ?? letter.kind + letter.type}`
    groups.set(key, [...(groups.get(key) ?? []), letter])
  }
  return [...groups]
    .map(([key, found]) => ({
      key,
      pipelineId: found[0]!.pipelineId,
      fingerprint: found[0]!.fingerprint,
      newest: found[0]!,
      letters: found,
    }))
    .toSorted((a, b) => b.letters.length - a.letters.length)
}

const Groups = () => {
  const { query, set } = useQuery()
  const path = addressOf('GET /api/v1/dead-letters', {
    query: { limit: 200, status: [...deadStatuses] },
  })
  const result = useApi(path, ofKind('run', 'pipeline'))
  const others = useApi(
    addressOf('GET /api/v1/dead-letters', { query: { limit: 50, kind: ['command'] } }),
    ofKind('run'),
  )
  const { rows, hasMore, load } = useMore(result, path)
  const groups = groupsOf([...rows, ...(others.data ?? [])])
  const chosen = groups.find(({ key }) => key === query.get('group'))
  const close = () => set({ group: null })
  return (
    <>
      {chosen && chosen.newest.kind === 'run' && (
        <Now>
          <RedriveSheet key={chosen.key} group={chosen} onDone={close} />
        </Now>
      )}
      <Card title="By cause">
        <Loaded result={result}>
          {() =>
            groups.length > 0 ? (
              <>
                <Table
                  label="dead letters by cause"
                  rows={groups}
                  keyOf={({ key }) => key}
                  columns={[
                    {
                      name: 'Runs',
                      className: 'right',
                      cell: ({ letters, newest, pipelineId }) =>
                        newest.kind === 'run' && pipelineId ? (
                          <Link
                            to={`/runs?status=bad&pipeline=${pipelineId}`}
                            title="the runs of this pipeline that ended badly"
                          >
                            <strong>{letters.length}</strong>
                          </Link>
                        ) : (
                          <strong>{letters.length}</strong>
                        ),
                    },
                    {
                      name: 'Cause',
                      className: 'wide',
                      cell: ({ newest }) => (
                        <>
                          <strong>{newest.type}</strong> {newest.message.slice(0, 160)}
                        </>
                      ),
                    },
                    {
                      name: 'Pipeline',
                      cell: ({ pipelineId }) =>
                        pipelineId ? (
                          <Link to={paths.pipeline(pipelineId)}>{pipelineId}</Link>
                        ) : (
                          '–'
                        ),
                    },
                    {
                      name: 'Fingerprint',
                      cell: ({ fingerprint }) => <code>{fingerprint?.slice(0, 8) ?? '–'}</code>,
                    },
                    {
                      name: 'Newest',
                      cell: ({ newest }) =>
                        newest.kind === 'run' ? (
                          <Link to={paths.run(newest.id)}>
                            <Id of={newest.id} />
                          </Link>
                        ) : (
                          newest.kind
                        ),
                    },
                    {
                      name: 'When',
                      className: 'right',
                      cell: ({ newest }) => <Ago at={newest.at} />,
                    },
                    {
                      name: 'Do',
                      cell: ({ key, newest }) =>
                        newest.kind === 'run' ? (
                          <Now>
                            <button
                              type="button"
                              className="small"
                              onClick={() => set({ group: key })}
                            >
                              Redrive…
                            </button>
                          </Now>
                        ) : (
                          <span className="quiet">fix the sender</span>
                        ),
                    },
                  ]}
                />
                {hasMore && <More load={load} />}
              </>
            ) : (
              <Empty title="Nothing died">
                A run comes here when its attempts are used up, or when what failed cannot get
                better.
              </Empty>
            )
          }
        </Loaded>
      </Card>
    </>
  )
}

const Redrives = () => {
  const result = useApi(addressOf('GET /api/v1/redrives', {}), ofKind('pipeline', 'run'))
  return (
    <Card title="Redrives">
      <Loaded result={result}>
        {(data) =>
          data.length > 0 ? (
            <Table
              label="redrives"
              rows={data}
              keyOf={({ id }) => id}
              columns={[
                { name: 'State', cell: ({ status }) => <State of={status} /> },
                {
                  name: 'Pipeline',
                  cell: ({ pipelineId }) => (
                    <Link to={paths.pipeline(pipelineId)}>{pipelineId}</Link>
                  ),
                },
                {
                  name: 'Progress',
                  cell: ({ requested, redriven, failed }) => (
                    <span className="row">
                      <progress max={requested} value={redriven} aria-label="redriven" />
                      {redriven} of {requested}, {failed} failed again
                    </span>
                  ),
                },
                {
                  name: 'Rate',
                  cell: ({ perMinute }) =>
                    perMinute === null ? 'at once' : `${perMinute} a minute`,
                },
                {
                  name: 'By',
                  cell: ({ actor }) => `${actor.name}${actor.reason ? `: ${actor.reason}` : ''}`,
                },
                {
                  name: 'Began',
                  className: 'right',
                  cell: ({ requestedAt }) => <Ago at={requestedAt} />,
                },
              ]}
            />
          ) : (
            <Empty title="Nothing was redriven in bulk">Choose a cause and redrive its runs.</Empty>
          )
        }
      </Loaded>
    </Card>
  )
}

export const DeadLetters = () => (
  <Page
    title="Dead letters"
    beside={<span>Runs that ended badly, until somebody does them again.</span>}
  >
    <Tabs
      tabs={[
        { id: 'causes', label: 'Causes', body: () => <Groups /> },
        { id: 'redrives', label: 'Redrives', body: () => <Redrives /> },
      ]}
    />
  </Page>
)
