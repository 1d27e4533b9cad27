/** All pipelines, what each runs next. */
import { ofKind, useApi } from '../api/cache.ts'
import { addressOf } from '../api/client.ts'
import { Card, Empty, Loaded, Page } from '../ui/page.tsx'
import { PipelineTable } from './overview.tsx'

export const Pipelines = () => {
  const result = useApi(
    addressOf('GET /api/v1/pipelines', {}),
    ofKind('pipeline', 'run', 'release'),
  )
  return (
    <Page title="Pipelines">
      <Card>
        <Loaded result={result}>
          {(data) =>
            data.length > 0 ? (
              <PipelineTable pipelines={data} />
            ) : (
              <Empty title="No pipeline yet">
                Define one in <code>headway.yaml</code>, then <code>npm run headway -- apply</code>
              </Empty>
            )
          }
        </Loaded>
      </Card>
    </Page>
  )
}
