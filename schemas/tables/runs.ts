/** Runs, what they did and what went wrong with them; who asked for them and who asked for them again. */
import type { Tables } from './shape.ts'

export const runTables = {
  /**
   * What people asked for by hand, from the asking on: a request becomes the run of the same id when
   * the pipeline has code and inputs. The first of an id stands.
   */
  run_wishes: {
    columns: {
      tenant: 'text',
      /** The id of the run to come. */
      request: 'text',
      pipeline: 'text',
      actor: 'jsonb',
      /** Digest of the asker's idempotency key, and of what came with it. */
      key: 'text?',
      payload: 'text?',
      /** Slot → version, when it was asked for with inputs of its own. */
      inputs: 'jsonb?',
      asked_at: 'timestamptz',
      /** Position of the run's request; null while there is none. */
      requested_seq: 'int8?',
      seq: 'int8',
    },
    key: ['tenant', 'request'],
    indexes: [['tenant', 'pipeline', 'seq']],
  },
  runs: {
    columns: {
      tenant: 'text',
      run: 'text',
      pipeline: 'text',
      /** The version it is pinned to now; a redrive may name another. */
      pipeline_version: 'text',
      /**
       * pending           it waits for its turn or for a worker (as well after a redrive, a resume, and
       *                   when a worker gave it back)
       * running           a worker executes it
       * retrying          an attempt ended badly, the next one comes at `next_attempt_at`
       * waiting_external  its steps wait for answers until `waiting_until`; no worker holds it
       * completed         it did what it should
       * failed            it ended with an error that another attempt cannot cure
       * dead_lettered     it used up its attempts, or nobody answered in time
       * cancelled         somebody ended it
       * superseded        it had not started and gave way to `superseded_by`
       * failed, dead_lettered and cancelled may become pending again by a redrive.
       */
      status: 'text',
      reason: 'text',
      actor: 'jsonb?',
      /** Of the idempotent request it came from. */
      key: 'text?',
      payload: 'text?',
      inputs: 'jsonb',
      /** Slots bound to the pipeline's own outputs, as read by the newest attempt. */
      own_inputs: 'jsonb?',
      triggered_by: 'jsonb',
      /** Versions taken over from the runs that it superseded. */
      carried_over: 'jsonb',
      disabled_steps: 'jsonb',
      /** It was asked for with inputs of its own and leaves the window alone. */
      pinned: 'bool',
      /** Of runs that only compare: the canary and the run that is repeated. */
      canary: 'text?',
      canary_of: 'text?',
      window_opened_at: 'timestamptz?',
      requested_at: 'timestamptz',
      /** Of the newest attempt. */
      started_at: 'timestamptz?',
      ended_at: 'timestamptz?',
      duration_ms: 'float8?',
      /** The fence: what an older one says changes nothing. */
      epoch: 'int4',
      attempt: 'int4',
      worker: 'text?',
      /** Why it ended badly or is tried again; null when it goes well. All of them: `run_errors`. */
      error: 'jsonb?',
      next_attempt_at: 'timestamptz?',
      /** Somebody wants it to end; forgotten when it is redriven. */
      cancel_requested_by: 'jsonb?',
      cancel_requested_at: 'timestamptz?',
      /** Who ended it. */
      cancelled_by: 'jsonb?',
      superseded_by: 'text?',
      /** How often it was done again, by which redrive last, and by whom. */
      redrives: 'int4',
      redrive: 'text?',
      redriven_by: 'jsonb?',
      /** Outputs of steps recorded in this epoch and later need not be made again. */
      reuse_from: 'int4',
      /** Ids of the questions that it asked last. */
      interactions: 'jsonb?',
      /** The first of their deadlines; null when it does not wait. */
      waiting_until: 'timestamptz?',
      /** When the present status began. */
      since: 'timestamptz',
      seq: 'int8',
      last_seq: 'int8',
    },
    key: ['tenant', 'run'],
    indexes: [
      ['tenant', 'seq'],
      ['tenant', 'pipeline', 'seq'],
      ['tenant', 'status', 'seq'],
    ],
  },
  /** One row per attempt that ended badly and per cancellation; what a redrive forgets nowhere. */
  run_errors: {
    columns: {
      tenant: 'text',
      run: 'text',
      pipeline: 'text',
      epoch: 'int4',
      attempt: 'int4',
      /** retried, failed, dead_lettered or cancelled */
      outcome: 'text',
      type: 'text',
      message: 'text',
      /** The same for errors of one type that differ in numbers, ids and names only. */
      fingerprint: 'text',
      next_attempt_at: 'timestamptz?',
      recorded_at: 'timestamptz',
      seq: 'int8',
      index: 'int4',
    },
    key: ['tenant', 'run', 'seq', 'index'],
    indexes: [
      ['tenant', 'pipeline', 'seq'],
      ['tenant', 'fingerprint', 'seq'],
    ],
  },
  steps: {
    columns: {
      tenant: 'text',
      run: 'text',
      epoch: 'int4',
      attempt: 'int4',
      step: 'text',
      index: 'int4',
      /** succeeded, failed or skipped */
      status: 'text',
      /**
       * Of skipped ones: disabled, input_absent, not_reached, or reused: `step_outputs` says which
       * attempt did it.
       */
      reason: 'text?',
      started_at: 'timestamptz?',
      ended_at: 'timestamptz?',
      duration_ms: 'float8?',
      rows_in: 'int8?',
      rows_out: 'int8?',
      logs: 'jsonb',
      findings: 'jsonb',
      error: 'jsonb?',
      seq: 'int8',
    },
    key: ['tenant', 'run', 'epoch', 'attempt', 'step'],
  },
  /** The newest recorded output of each step of a run: what a later attempt need not make again. */
  step_outputs: {
    columns: {
      tenant: 'text',
      run: 'text',
      step: 'text',
      epoch: 'int4',
      attempt: 'int4',
      kind: 'text',
      size_bytes: 'int8',
      /** In the content store; null when it is in the event. */
      digest: 'text?',
      seq: 'int8',
    },
    key: ['tenant', 'run', 'step'],
  },
  artifacts: {
    columns: {
      tenant: 'text',
      run: 'text',
      output: 'text',
      epoch: 'int4',
      attempt: 'int4',
      asset: 'text',
      version: 'text',
      ordinal: 'int8',
      changed: 'bool',
      size_bytes: 'int8',
      renditions: 'jsonb',
      seq: 'int8',
    },
    key: ['tenant', 'run', 'output'],
    indexes: [['tenant', 'asset', 'seq']],
  },
  redrives: {
    columns: {
      tenant: 'text',
      redrive: 'text',
      pipeline: 'text',
      /**
       * running   runs wait for their turn or are under way
       * done      every run had its turn and ended, or was passed over
       * stopped   as many runs as `failures_max` ended badly again; the rest was left alone
       */
      status: 'text',
      pipeline_version: 'text?',
      start_over: 'bool',
      per_minute: 'int4?',
      failures_max: 'int4?',
      actor: 'jsonb',
      /** How many runs it is about, how many were done again, passed over, ended badly again. */
      requested: 'int4',
      redriven: 'int4',
      passed_over: 'int4',
      failed: 'int4',
      requested_at: 'timestamptz',
      ended_at: 'timestamptz?',
      seq: 'int8',
      last_seq: 'int8',
    },
    key: ['tenant', 'redrive'],
    indexes: [['tenant', 'pipeline', 'seq']],
  },
  /** The runs of each redrive, in order. Without an epoch: it waits, or it was passed over. */
  redrive_runs: {
    columns: {
      tenant: 'text',
      redrive: 'text',
      run: 'text',
      place: 'int4',
      /** The one that the redrive began. */
      epoch: 'int4?',
      redriven_at: 'timestamptz?',
      seq: 'int8',
    },
    key: ['tenant', 'redrive', 'run'],
    indexes: [['tenant', 'run']],
  },
} as const satisfies Tables
