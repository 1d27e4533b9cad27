/** Questions of suspended runs and the answers to them. `schemas/answer.ts` says which answer counts. */
import type { Tables } from './shape.ts'

export const interactionTables = {
  interactions: {
    columns: {
      tenant: 'text',
      interaction: 'text',
      pipeline: 'text',
      run: 'text',
      epoch: 'int4',
      attempt: 'int4',
      step: 'text',
      correlation: 'text?',
      assignee: 'text?',
      group: 'text?',
      /** Counted from `asked_at`, both by the log's clock. */
      deadline_at: 'timestamptz',
      request: 'jsonb?',
      /** JSON Schema. */
      response_schema: 'jsonb',
      /** An answer must bring a resume token. */
      token: 'bool',
      /**
       * waiting     nobody has answered well so far
       * completed   `response` is the answer; it may have been held before the question came
       * expired     the run was dead-lettered because nobody answered in time
       * cancelled   the run ended otherwise
       */
      status: 'text',
      response: 'jsonb?',
      /** Whose answer counts, and where it stands. */
      actor: 'jsonb?',
      answer_seq: 'int8?',
      answer_index: 'int4?',
      asked_at: 'timestamptz',
      /** When the present status began. */
      since: 'timestamptz',
      seq: 'int8',
      last_seq: 'int8',
    },
    key: ['tenant', 'interaction'],
    indexes: [
      ['tenant', 'run'],
      ['tenant', 'pipeline', 'correlation'],
      ['tenant', 'status', 'deadline_at'],
      ['tenant', 'assignee', 'status'],
      ['tenant', 'group', 'status'],
      ['tenant', 'step', 'status'],
    ],
  },
  /** Every answer that came, and what became of it. */
  answers: {
    columns: {
      tenant: 'text',
      seq: 'int8',
      index: 'int4',
      pipeline: 'text',
      /** What it names: a question's id or its correlation. */
      named_interaction: 'text?',
      named_correlation: 'text?',
      /**
       * held      no question of that name was asked so far
       * counted   it is the answer to `interaction`
       * refused   it changed nothing; `code` says why
       * dropped   too many were held; this was the oldest
       */
      status: 'text',
      /** not_waiting, too_late, token_missing or misfit */
      code: 'text?',
      detail: 'text?',
      /** The question that it counts for, or that refused it. */
      interaction: 'text?',
      response: 'jsonb?',
      actor: 'jsonb',
      token: 'bool',
      recorded_at: 'timestamptz',
    },
    key: ['tenant', 'seq', 'index'],
    indexes: [
      ['tenant', 'pipeline', 'seq'],
      ['tenant', 'status', 'seq'],
    ],
  },
  /** Ids and correlations that were ever asked in a pipeline, with the questions that wait under them. */
  interaction_names: {
    columns: {
      tenant: 'text',
      pipeline: 'text',
      name: 'text',
      /** [{ interaction, run, seq }] in the order in which an answer tries them. */
      waiting: 'jsonb',
      seq: 'int8',
    },
    key: ['tenant', 'pipeline', 'name'],
  },
  /** The answers a pipeline holds, oldest first: what the next question is asked against. */
  held_answers: {
    columns: {
      tenant: 'text',
      pipeline: 'text',
      /** [{ seq, index, interaction?, correlation? }] */
      answers: 'jsonb',
      seq: 'int8',
    },
    key: ['tenant', 'pipeline'],
  },
} as const satisfies Tables
