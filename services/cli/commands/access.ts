/** Commands about who may do what, and whether everything is well. */
import { json, key, reason, type CommandEntry } from './entry.ts'

const direct = ['--direct', 'write to the log over NATS: for the first token'] as const

export const access: readonly CommandEntry[] = [
  {
    usage: 'tokens create',
    summary: 'make a token; it is shown once, on stdout',
    options: [
      ['--holder <name>', 'who uses it: the actor of what it does'],
      ['--role <role>', 'viewer, operator, releaser or admin', 'viewer'],
      ['--days <n>', 'how long it counts', '90'],
      ['--tenant <tenant>', 'with --direct: whose', 'default'],
      direct,
      reason,
      key,
      json,
    ],
    examples: [
      ['tokens create --holder ci --role operator', 'for a program'],
      ['tokens create --holder me --role admin --direct', 'the first one of all'],
    ],
    load: async () => ({ run: (await import('./tokens.ts')).create }),
  },
  {
    usage: 'tokens list',
    summary: 'all tokens, also those that are over',
    options: [json],
    examples: [['tokens list', 'who may do what until when']],
    load: async () => ({ run: (await import('./tokens.ts')).list }),
  },
  {
    usage: 'tokens revoke <id>',
    summary: 'end a token, and the sessions that were made of it',
    options: [json],
    examples: [['tokens revoke 7k2m9q4x3b5d', 'it counts nowhere any more']],
    load: async () => ({ run: (await import('./tokens.ts')).revoke }),
  },
  {
    usage: 'doctor',
    summary: 'look at everything that Headway stands on, and say what to do',
    options: [['--pipelines <dir>', 'where this machine keeps its pipelines'], json],
    examples: [['doctor', 'exit code 0 when all is well, 1 when something is not']],
    load: () => import('./doctor.ts'),
  },
  {
    usage: 'completion <shell>',
    summary: 'what makes bash, zsh or fish complete these commands',
    examples: [
      ['completion bash > /etc/bash_completion.d/headway', 'for everybody'],
      ['completion fish | source', 'here and now'],
    ],
    load: () => import('./completion.ts'),
  },
]
