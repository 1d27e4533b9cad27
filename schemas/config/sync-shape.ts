/** What the file says of configuration in Git: sources of pushes, sinks of values, and rules between them. */
import { Type, type Static } from 'typebox'
import { namePattern } from '../ids.ts'
import { platforms, syncModes } from '../rules/definition.ts'
import { dayMs, duration, name, requiredDuration, secondMs, strict, text } from './fields.ts'

const reference = (description: string) =>
  Type.String({
    pattern: '^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+|vault:.+#.+)$',
    patternErrorMessage:
      'a secret is named, never written: env:NAME, file:/path or vault:mount/path#field',
    description,
    examples: ['env:WEBHOOK_KEY', 'vault:kv/data/shop#password'],
    secret: true,
  })
const yes = (description: string) => Type.Optional(Type.Boolean({ description }))
const globs = (description: string, examples: readonly string[]) =>
  Type.Array(text('A glob'), { description, examples: [examples] })
const byGlob = (description: string) =>
  Type.Record(Type.String(), Type.String({ minLength: 1 }), { description })
const named = (what: string) => ({
  ...strict,
  keyErrorMessage: `is no name of a ${what}: letters, digits, _ and -, first a letter or digit`,
})

export const Source = Type.Object(
  {
    platform: Type.Enum([...platforms], { description: 'Whose webhooks and refs these are' }),
    url: text('Repositories are cloned from <url>/<owner>/<name>.git', {
      examples: ['https://github.com'],
    }),
    webhook: Type.Optional(
      Type.Object(
        {
          keys: Type.Optional(
            Type.Array(reference('A key that signs deliveries'), {
              maxItems: 2,
              description: 'The key and, while it is being changed, the one before',
            }),
          ),
          verify: yes(
            'false: nobody looks at signatures, and whoever finds the address is believed',
          ),
        },
        { ...strict, description: 'Deliveries to POST /api/v1/webhooks/<source>' },
      ),
    ),
    auth: Type.Optional(Type.Object({ token: reference('A token that may clone') }, strict)),
    poll: Type.Optional(
      Type.Object(
        {
          repositories: Type.Array(text('owner/name'), { description: 'Repositories to look at' }),
          every: requiredDuration('How often', { min: secondMs, max: dayMs, step: secondMs }),
        },
        { ...strict, description: 'For repositories without a webhook' },
      ),
    ),
    allowPrivateHosts: yes('The url may lead to this machine or a private network, or be file:'),
  },
  strict,
)

export const Sink = Type.Object(
  {
    type: Type.String({ pattern: '^[a-z][a-z0-9_]*$', description: 'What kind of target it is' }),
    options: Type.Unsafe<Record<string, unknown>>({
      type: 'object',
      anything: true,
      description:
        'Where values go, checked by the worker; {tenant}, {environment}, {rule} and {repository} are ' +
        'replaced',
    }),
  },
  strict,
)

export const Rule = Type.Object(
  {
    source: name('Where pushes come from'),
    repositories: globs('owner/name globs', ['acme/*']),
    exclude: Type.Optional(globs('Repositories it never listens to', ['acme/old-*'])),
    files: globs('Files of the repository', ['config/*.yaml']),
    environment: Type.Object(
      {
        branches: Type.Optional(byGlob('Branch glob → environment')),
        paths: Type.Optional(byGlob('File glob → environment')),
        pullRequests: yes('A pull request is the environment pr-<number>'),
        branch: yes("The branch's name is the environment"),
        tags: yes("The tag's name is the environment"),
        default: Type.Optional(text('What none of them names')),
      },
      { ...strict, description: 'The first that answers, in this order' },
    ),
    rootKey: Type.Optional(text('Only what is below this key')),
    rootKeyOptional: yes('A file without it is taken whole'),
    slice: yes('Files hold several environments side by side'),
    separator: Type.Optional(text('Between the parts of a flat key', { default: '.' })),
    rename: Type.Optional(byGlob('New key → flat key it is made of')),
    secrets: Type.Optional(
      Type.Record(Type.String(), reference('Where the value is'), {
        description: 'Glob of flat keys → reference of the secret',
      }),
    ),
    validate: Type.Optional(
      Type.Object(
        {
          jsonSchema: Type.Optional(text('Path of a JSON Schema in the repository')),
          cue: Type.Optional(text('Path of a CUE file in the repository')),
          definition: Type.Optional(
            text('The CUE definition that must hold', { examples: ['#Config'] }),
          ),
        },
        strict,
      ),
    ),
    sinks: Type.Array(name('A sink'), { description: 'Where values go' }),
    mode: Type.Optional(
      Type.Enum([...syncModes], {
        default: 'auto',
        description:
          'upsert_all writes every key, smart_repair the differences, live_state takes out what is not ' +
          'in Git as well, auto chooses by size',
      }),
    ),
    prune: Type.Optional(
      Type.Object(
        {
          enabled: Type.Boolean({ description: 'Keys that left Git leave the sinks' }),
          dryRun: yes('Deletions are only told'),
          protect: Type.Optional(globs('Keys that are never deleted', ['SYSTEM_*'])),
        },
        strict,
      ),
    ),
    drift: Type.Optional(
      Type.Object(
        {
          every: duration(
            'How often sinks are compared with what was put there',
            { min: secondMs, max: dayMs, step: secondMs },
            { default: '1m' },
          ),
          heal: Type.Optional(
            Type.Boolean({ description: 'What drifted is put right', default: true }),
          ),
          healEvery: duration(
            'At most one heal of a sink in this time; longer while it keeps coming back',
            { min: secondMs, max: dayMs },
            { default: '5m' },
          ),
        },
        { ...strict, description: 'Somebody else may change what was put there' },
      ),
    ),
    dryRun: yes('A shadow rule: everything but the writing'),
    pool: Type.Optional(name('The pool of workers that runs it', { default: 'default' })),
  },
  strict,
)

export const Sources = Type.Record(Type.String({ pattern: namePattern }), Source, {
  ...named('source'),
  description: 'Where pushes of configuration come from',
})
export const Sinks = Type.Record(Type.String({ pattern: namePattern }), Sink, {
  ...named('sink'),
  description: 'Where values of configuration go',
})
export const Rules = Type.Record(Type.String({ pattern: namePattern }), Rule, {
  ...named('rule'),
  description: 'Which files of which repositories become whose values',
})

export type SourceEntry = Static<typeof Source>
export type RuleEntry = Static<typeof Rule>
