/** What a command is: what it is called, what it takes, what it is good for, where its code is. */
export type Invocation = {
  readonly args: readonly (string | undefined)[]
  readonly options: Readonly<Record<string, string | boolean | undefined>>
}

export type CommandModule = { readonly run: (invocation: Invocation) => Promise<void> }

export type CommandEntry = {
  /** `run <id>`; arguments in commander's words. */
  readonly usage: string
  readonly summary: string
  readonly options?: readonly (readonly [flags: string, summary: string, otherwise?: string])[]
  /** [what follows `headway`, what it does] */
  readonly examples: readonly (readonly [command: string, effect: string])[]
  load(): Promise<CommandModule>
}

export const json = ['--json', 'what the program sees, as JSON'] as const
export const asOf = [
  '--as-of <when>',
  'as it was after this commit of the log, or at a time: 1234, 15m, 2026-11-21T08:00:00Z',
] as const
export const limit = ['--limit <n>', 'at most this many', '20'] as const
export const reason = ['--reason <text>', 'why, for those who look later'] as const
export const key = [
  '--key <text>',
  'the same key is the same request, however often it is sent',
] as const
