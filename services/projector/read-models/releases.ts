/** Releases: the graph of each pipeline version, when it was registered, when last made the active one. */
import { recordedAt, type Fold } from './read-model.ts'

export const releases: Fold<'releases'> = {
  kind: 'fold',
  table: 'releases',
  version: 1,
  keys: ({ tenant, event }) =>
    event.type === 'ReleaseRegistered' || event.type === 'ReleaseActivated'
      ? [[tenant, event.pipeline, event.pipelineVersion]]
      : [],
  evolve: {
    /** Registered again it is the same release: the version is a digest of the code. */
    ReleaseRegistered: (row, recorded) => {
      if (row) return row
      const { tenant, seq, event } = recorded
      return {
        tenant,
        pipeline: event.pipeline,
        pipeline_version: event.pipelineVersion,
        feed_type: event.feedType,
        folder: event.folder,
        inputs: event.inputs,
        outputs: event.outputs,
        steps: event.steps,
        edges: event.edges,
        registered_at: recordedAt(recorded),
        activated_at: null,
        activated_by: null,
        seq,
      }
    },
    ReleaseActivated: (row, recorded) =>
      row && {
        ...row,
        activated_at: recordedAt(recorded),
        activated_by: recorded.event.actor,
        seq: recorded.seq,
      },
  },
}
