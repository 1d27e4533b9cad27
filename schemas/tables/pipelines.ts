/** Pipelines, their code, the candidates for it, and the workers that run it. */
import type { Tables } from './shape.ts'

export const pipelineTables = {
  pipelines: {
    columns: {
      tenant: 'text',
      pipeline: 'text',
      definition: 'jsonb?',
      removed: 'bool',
      active_version: 'text?',
      /** Active before that one: where a rollback goes. */
      previous_version: 'text?',
      /** Versions recorded after this position and not after a cancellation are in the open window. */
      through_seq: 'int8',
      cancelled_seq: 'int8',
      defined_seq: 'int8',
      flushed: 'bool',
      paused: 'bool',
      paused_by: 'jsonb?',
      paused_at: 'timestamptz?',
      /** What people said of steps, over the definition: step → { disabled, actor, at }. */
      step_wishes: 'jsonb',
      /** What the next run leaves out: the definition's and people's wishes together, sorted. */
      disabled_steps: 'jsonb',
      /** The last run that took the window: no canary run, and none with inputs of its own. */
      last_run: 'text?',
      last_requested_at: 'timestamptz?',
      /** All of them but canary runs. */
      runs: 'int8',
      seq: 'int8',
    },
    key: ['tenant', 'pipeline'],
  },
  /**
   * One row per version. Of `pipelines.active_version`, open runs and this row follows its state:
   *
   *   retired    `retired_at` is set: nothing new may be pinned to it
   *   active     it is the active version
   *   inactive   it never was (`activated_at` is null)
   *   draining   it was, and runs pinned to it are open
   *   drained    it was, and none are
   */
  releases: {
    columns: {
      tenant: 'text',
      pipeline: 'text',
      pipeline_version: 'text',
      feed_type: 'text',
      folder: 'text',
      inputs: 'jsonb',
      outputs: 'jsonb',
      steps: 'jsonb',
      edges: 'jsonb',
      /** [{ path, digest, sizeBytes }]; null when its worker did not tell. */
      artifacts: 'jsonb?',
      contract: 'text?',
      registered_at: 'timestamptz',
      /** The newest activation; all of them: `activations`. */
      activated_at: 'timestamptz?',
      activated_by: 'jsonb?',
      retired_at: 'timestamptz?',
      retired_by: 'jsonb?',
      seq: 'int8',
    },
    key: ['tenant', 'pipeline', 'pipeline_version'],
  },
  /** Every activation, rollbacks as well, with who wanted it and why (`actor.reason`). */
  activations: {
    columns: {
      tenant: 'text',
      pipeline: 'text',
      pipeline_version: 'text',
      actor: 'jsonb',
      activated_at: 'timestamptz',
      seq: 'int8',
      index: 'int4',
    },
    key: ['tenant', 'pipeline', 'seq', 'index'],
  },
  canaries: {
    columns: {
      tenant: 'text',
      canary: 'text',
      pipeline: 'text',
      pipeline_version: 'text',
      /**
       * running   runs are to be repeated, or are under way
       * done      as many as were asked for have ended
       * stopped   somebody ended it before
       */
      status: 'text',
      actor: 'jsonb',
      stopped_by: 'jsonb?',
      /** How many runs to repeat, how many were asked for, and how they ended. */
      runs: 'int4',
      requested: 'int4',
      completed: 'int4',
      failed: 'int4',
      started_at: 'timestamptz',
      ended_at: 'timestamptz?',
      seq: 'int8',
      last_seq: 'int8',
    },
    key: ['tenant', 'canary'],
    indexes: [['tenant', 'pipeline', 'seq']],
  },
  /** What a canary run made beside what the run it repeats had published, per output. */
  comparisons: {
    columns: {
      tenant: 'text',
      run: 'text',
      output: 'text',
      epoch: 'int4',
      attempt: 'int4',
      /** Digests of primary renditions; null where one side made nothing. */
      baseline: 'text?',
      candidate: 'text?',
      renditions: 'jsonb',
      /** identical, same_content or different */
      verdict: 'text',
      difference: 'jsonb',
      recorded_at: 'timestamptz',
      seq: 'int8',
    },
    key: ['tenant', 'run', 'output'],
  },
  workers: {
    columns: {
      tenant: 'text',
      worker: 'text',
      pool: 'text',
      version: 'text',
      pipelines: 'jsonb',
      /** Pipeline → older versions that it serves as well. */
      also_serves: 'jsonb',
      capabilities: 'jsonb',
      host: 'text',
      pid: 'int4',
      /**
       * healthy       it joined and is heard
       * draining      somebody wants it to take nothing new; it finishes what it holds
       * stale         its heartbeats ended; it may be heard again
       * unavailable   it left, or was not heard of for too long
       */
      status: 'text',
      /** Why it is as it is: of leaving, draining; null for a healthy one. */
      reason: 'text?',
      drain_requested_by: 'jsonb?',
      last_seen_at: 'timestamptz?',
      joined_at: 'timestamptz',
      since: 'timestamptz',
      seq: 'int8',
    },
    key: ['tenant', 'worker'],
  },
} as const satisfies Tables
