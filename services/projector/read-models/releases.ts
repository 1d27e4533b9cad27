/**
 * Releases: the graph of each pipeline version, when it was registered, when last made the active one,
 * when it was retired.
 */
import { placeOf, recordedAt, type Fact, type Fold } from './read-model.ts'

export const releases: Fold<'releases'> = {
  kind: 'fold',
  table: 'releases',
  version: 2,
  keys: ({ tenant, event }) =>
    event.type === 'ReleaseRegistered' ||
    event.type === 'ReleaseActivated' ||
    event.type === 'ReleaseRetired'
      ? [[tenant, event.pipeline, event.pipelineVersion]]
      : [],
  evolve: {
    /** Registered again it is the same release: the version is a digest of the code. */
    ReleaseRegistered: (row, recorded) => {
      const { tenant, seq, event } = recorded
      const told = { artifacts: event.artifacts ?? null, contract: event.contract ?? null }
      if (row?.retired_at === null && (row.artifacts !== null || !told.artifacts)) return row
      if (row) return { ...row, ...told, retired_at: null, retired_by: null, seq }
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
        ...told,
        registered_at: recordedAt(recorded),
        activated_at: null,
        activated_by: null,
        retired_at: null,
        retired_by: null,
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
    ReleaseRetired: (row, recorded) =>
      row?.retired_at === null
        ? {
            ...row,
            retired_at: recordedAt(recorded),
            retired_by: recorded.event.actor,
            seq: recorded.seq,
          }
        : row,
  },
}

export const activations: Fact<'activations'> = {
  kind: 'fact',
  table: 'activations',
  version: 1,
  rows: {
    ReleaseActivated: (recorded) => ({
      ...placeOf(recorded),
      pipeline: recorded.event.pipeline,
      pipeline_version: recorded.event.pipelineVersion,
      actor: recorded.event.actor,
      activated_at: recordedAt(recorded),
    }),
  },
}
