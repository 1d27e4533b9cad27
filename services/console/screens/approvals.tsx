/** What runs ask people, wherever they are: an inbox. */
import { ofKind, useApi, useMore } from '../api/cache.ts'
import { addressOf } from '../api/client.ts'
import { Link, paths, useQuery } from '../router.tsx'
import { Card, Empty, Loaded, Page } from '../ui/page.tsx'
import { More } from '../ui/table.tsx'
import { Question } from './question.tsx'

const shows = ['waiting', 'completed', 'expired', 'cancelled'] as const

export const Approvals = () => {
  const { query, set } = useQuery()
  const status = shows.find((one) => one === query.get('status')) ?? 'waiting'
  const path = addressOf('GET /api/v1/interactions', { query: { status: [status], limit: 30 } })
  const result = useApi(path, ofKind('run', 'interaction'))
  const { rows, hasMore, load } = useMore(result, path)
  return (
    <Page title="Approvals" beside={<span>Runs that stopped to ask somebody.</span>}>
      <div className="chips" role="group" aria-label="state">
        {shows.map((one) => (
          <button
            key={one}
            type="button"
            className="chip"
            aria-pressed={status === one}
            onClick={() => set({ status: one === 'waiting' ? null : one })}
          >
            {one}
          </button>
        ))}
      </div>
      <Loaded result={result}>
        {() =>
          rows.length > 0 ? (
            <div className="columns">
              {rows.map((question) => (
                <Question
                  key={question.id}
                  question={question}
                  from={
                    <>
                      <Link to={paths.run(question.run)}>Run …{question.run.slice(-8)}</Link> of{' '}
                      <Link to={paths.pipeline(question.pipelineId)}>{question.pipelineId}</Link>
                      ,{' '}
                    </>
                  }
                />
              ))}
            </div>
          ) : (
            <Card>
              <Empty title={status === 'waiting' ? 'Nobody waits for you' : 'None'}>
                A step that calls <code>context.ask</code> suspends its run here until it is
                answered.
              </Empty>
            </Card>
          )
        }
      </Loaded>
      {hasMore && <More load={load} />}
    </Page>
  )
}
