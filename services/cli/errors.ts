/**
 * How a command ends badly: what happened, why, and the line that mends it. The exit code is part of
 * the contract with scripts.
 */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  unreachable: 5,
  timeout: 6,
  denied: 7,
} as const

export type Ending = Exclude<keyof typeof exitCodes, 'ok'>

export class CliError extends Error {
  override readonly name = 'CliError'
  readonly ending: Ending
  /** Commands that help, each with a tab before what it does. */
  readonly advice: readonly string[]
  constructor(ending: Ending, message: string, advice: readonly string[] = []) {
    super(message)
    this.ending = ending
    this.advice = advice
  }
}

/** `npm run headway -- status`: how a command is called from the repository. */
export const commandLine = (words: string): string => `npm run headway -- ${words}`

/** What is said on stderr; a surprise keeps its stack for those who ask for it. */
export const describe = (error: unknown): { readonly text: string; readonly exitCode: number } => {
  if (error instanceof CliError) {
    const advice = error.advice.map((line) => `\n  ${line.replace('\t', '   ')}`).join('')
    return { text: `${error.message}${advice}`, exitCode: exitCodes[error.ending] }
  }
  const { message, stack, name } = error as Error
  const known = name === 'ConfigError' || name === 'TopologyError'
  const text = known || !process.env.HEADWAY_DEBUG ? message : (stack ?? message)
  return { text: text || String(error), exitCode: exitCodes.failed }
}
