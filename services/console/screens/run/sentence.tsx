/** Why a run ran, in one sentence of which every part can be followed. */
import { Fragment, type ReactNode } from 'react'
import type { Run } from '../../api/types.ts'
import { Link, paths } from '../../router.tsx'
import { durationOf } from '../../ui/time.tsx'
import { VersionLink } from './data.tsx'

const listed = (parts: readonly ReactNode[]): ReactNode =>
  parts.map((part, i) => (
    <Fragment key={i}>
      {i > 0 && (i === parts.length - 1 ? ' and ' : ', ')}
      {part}
    </Fragment>
  ))

const shown = 4

export const Sentence = ({ run }: { readonly run: Run }) => {
  const { triggeredBy, windowOpenedAt, requestedAt, seq, pipelineId, pipelineVersion, worker } = run
  const more = triggeredBy.length - shown
  const waited = windowOpenedAt ? Date.parse(requestedAt) - Date.parse(windowOpenedAt) : 0
  return (
    <p className="sentence">
      {triggeredBy.length > 0 ? (
        <>
          It ran because{' '}
          {listed([
            ...triggeredBy.slice(0, shown).map((ref) => <VersionLink key={ref.version} of={ref} />),
            ...(more > 0 ? [`${more} more`] : []),
          ])}{' '}
          {triggeredBy.length === 1 ? 'was new' : 'were new'}
          {waited > 0 && <>, gathered for {durationOf(waited)}</>}
          {run.reason !== 'triggered' && <>; {run.why}</>}
        </>
      ) : (
        <>It ran: {run.why}</>
      )}
      . That is <Link to={paths.commit(seq)}>event {seq}</Link> of{' '}
      <Link to={paths.pipeline(pipelineId)}>{pipelineId}</Link>
      {pipelineVersion && (
        <>
          , version{' '}
          <Link to={`${paths.pipeline(pipelineId)}?tab=releases`}>
            <code>{pipelineVersion}</code>
          </Link>
        </>
      )}
      {worker && (
        <>
          , and done by <Link to="/workers">{worker}</Link>
        </>
      )}
      .
    </p>
  )
}
