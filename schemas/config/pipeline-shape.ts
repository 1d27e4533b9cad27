/** What the file says of a pipeline. */
import { Type, type Static } from 'typebox'
import { activations } from '../definitions.ts'
import { assetKeyPattern } from '../ids.ts'
import { duration, name, strict, timerMsMax } from './fields.ts'

export const Pipeline = Type.Object(
  {
    folder: Type.String({
      pattern: '^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$',
      patternErrorMessage:
        'a folder is a path below the pipelines root: letters, digits, _, - and /',
      description: 'The folder with the code, below the pipelines root (deploy/pipelines)',
    }),
    slots: Type.Record(
      Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
      Type.String({
        pattern: assetKeyPattern,
        patternErrorMessage:
          'an asset key has parts of letters, digits, _, - and . between slashes',
      }),
      {
        ...strict,
        keyErrorMessage: 'is no slot name: those have letters, digits, _ and -',
        description: "The pipeline's inputs: slot name → asset, or output/<pipeline>/<name>",
      },
    ),
    pool: Type.Optional(name('The pool of workers that runs it', { default: 'default' })),
    debounce: Type.Optional(
      Type.Object(
        {
          quiet: duration(
            'Run when no input changed for this long',
            { min: 0, max: timerMsMax },
            { default: '2s' },
          ),
          maxWait: duration(
            'Run at the latest this long after the first change',
            { min: 0, max: timerMsMax },
            { default: '30s' },
          ),
        },
        { ...strict, description: 'Changes that come together make one run' },
      ),
    ),
    retry: Type.Optional(
      Type.Object(
        {
          attempts: Type.Optional(
            Type.Integer({ minimum: 1, maximum: 100, default: 3, description: 'Attempts in all' }),
          ),
          backoff: duration(
            'Pause before the second attempt; doubles each time',
            { min: 0, max: timerMsMax },
            { default: '1s' },
          ),
          maxBackoff: duration('Longest pause', { min: 0, max: timerMsMax }, { default: '30s' }),
          nonRetryable: Type.Optional(
            Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
              description:
                'Error types that another attempt cannot cure: the run fails at once. TerminalError ' +
                'is always one',
              examples: [['SchemaError', 'UnknownAgencyError']],
            }),
          ),
        },
        { ...strict, description: 'What happens when an attempt fails' },
      ),
    ),
    concurrency: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000,
        default: 1,
        description: 'Runs at the same time. With 1, outputs appear in the order of their inputs',
      }),
    ),
    stepTimeout: duration('For one step', { min: 100, max: timerMsMax }, { default: '60s' }),
    runTimeout: duration(
      'For one attempt of a run',
      { min: 100, max: timerMsMax },
      { default: '5m' },
    ),
    priority: Type.Optional(
      Type.Integer({
        minimum: -100,
        maximum: 100,
        default: 0,
        description:
          'Of the runs that wait for the same worker, those of the higher priority go first',
      }),
    ),
    newestWins: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'A run that has not started gives way to the next one, which carries its changes over. ' +
          'For feeds of which only the newest state counts; runs that people asked for never give way',
      }),
    ),
    activation: Type.Optional(
      Type.Enum([...activations], {
        default: 'automatic',
        description:
          'automatic: new code is active as soon as a worker has it. manual: a worker registers it and ' +
          'somebody activates it; only the very first version becomes active by itself',
      }),
    ),
    disabledSteps: Type.Optional(
      Type.Array(Type.String(), { description: 'Steps that are skipped, by their id' }),
    ),
  },
  strict,
)

export type PipelineEntry = Static<typeof Pipeline>
