/** What went into a run and what came out of it. */
import type { Run, VersionRef } from '../../api/types.ts'
import { Link, paths } from '../../router.tsx'
import { Card, Empty } from '../../ui/page.tsx'
import { Table } from '../../ui/table.tsx'
import { bytesOf } from '../../ui/time.tsx'

export const VersionLink = ({
  of,
}: {
  readonly of: Pick<VersionRef, 'asset' | 'version' | 'ordinal'>
}) => (
  <Link to={paths.version(of.asset, of.version)}>
    {of.asset} #{of.ordinal}
  </Link>
)

export const InAndOut = ({ run }: { readonly run: Run }) => {
  const inputs = Object.entries({ ...run.inputs, ...run.ownInputs })
  const triggers = new Set(run.triggeredBy.map(({ version }) => version))
  const artifacts = run.artifacts ?? []
  return (
    <div className="columns">
      <Card title="Inputs">
        <Table
          label="inputs"
          rows={inputs}
          keyOf={([slot]) => slot}
          columns={[
            { name: 'Slot', cell: ([slot]) => <code>{slot}</code> },
            { name: 'Version', cell: ([, ref]) => <VersionLink of={ref} /> },
            {
              name: 'Role',
              cell: ([, { version }]) =>
                triggers.has(version) ? 'triggered it' : <span className="quiet">was there</span>,
            },
            { name: 'Size', className: 'right', cell: ([, { sizeBytes }]) => bytesOf(sizeBytes) },
          ]}
        />
      </Card>
      <Card title="Outputs">
        {artifacts.length > 0 ? (
          <Table
            label="outputs"
            rows={artifacts}
            keyOf={({ output }) => output}
            columns={[
              { name: 'Output', cell: ({ output }) => <code>{output}</code> },
              { name: 'Version', cell: (artifact) => <VersionLink of={artifact} /> },
              { name: 'Content', cell: ({ changed }) => (changed ? 'new' : 'as before') },
              {
                name: 'Size',
                className: 'right',
                cell: ({ sizeBytes, renditions }) =>
                  renditions[0] ? (
                    <a href={renditions[0].href} download>
                      {bytesOf(sizeBytes)}
                    </a>
                  ) : (
                    bytesOf(sizeBytes)
                  ),
              },
            ]}
          />
        ) : (
          <Empty title="Nothing was published">Only a run that succeeds publishes.</Empty>
        )}
      </Card>
    </div>
  )
}
