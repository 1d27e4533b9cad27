/** Words to a command: help, options, suggestions, and one place where every failure is told. */
import { Command, CommanderError } from 'commander'
import { readFileSync } from 'node:fs'
import { lookAt } from './as-of.ts'
import { commands, groups, launched } from './commands/index.ts'
import type { CommandEntry, Invocation } from './commands/entry.ts'
import { describe, exitCodes } from './errors.ts'
import { useRunning } from './here.ts'

const examplesText = (examples: CommandEntry['examples']): string => {
  const width = Math.max(...examples.map(([command]) => command.length))
  const lines = examples.map(
    ([command, effect]) => `  headway ${command.padEnd(width)}   ${effect}`,
  )
  return `\nExamples:\n${lines.join('\n')}`
}

const versionText = (): string => {
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(file) as { version: string }).version
}

/** `release list [pipeline]` is `list [pipeline]` of the group `release`. */
const placeOf = (program: Command, usage: string): readonly [Command, string] => {
  const [name = '', ...rest] = usage.split(' ')
  const summary = groups[name]
  if (summary === undefined) return [program, usage]
  const group =
    program.commands.find((command) => command.name() === name) ??
    program.command(name).description(summary).helpCommand(false).showHelpAfterError(helpLine)
  return [group, rest.join(' ')]
}

const add = (program: Command, entry: CommandEntry): void => {
  const [parent, usage] = placeOf(program, entry.usage)
  const command = parent.command(usage).description(entry.summary)
  for (const [flags, summary, otherwise] of entry.options ?? [])
    command.option(flags, summary, otherwise)
  command.addHelpText('after', examplesText(entry.examples))
  // Commander hands over the arguments one by one, then the options, then the command.
  command.action(async (...given: unknown[]) => {
    const args = given.slice(0, -2).flat() as Invocation['args']
    const { run } = await entry.load()
    const options = given.at(-2) as Invocation['options']
    if (typeof options.asOf === 'string') lookAt(options.asOf)
    await run({ args, options })
  })
}

const argumentsOf = (command: Command): string =>
  command.registeredArguments
    .map((argument) => {
      const name = `${argument.name()}${argument.variadic ? '...' : ''}`
      return argument.required ? `<${name}>` : `[${name}]`
    })
    .join(' ')

const helpLine = 'headway --help   lists the commands'

const buildProgram = (): Command => {
  const program = new Command('headway')
    .description('Feeds in, pipelines, feeds out, and a log of everything.')
    .version(versionText(), '-V, --version')
    .helpCommand(false)
    .configureHelp({
      subcommandTerm: (command) => `${command.name()} ${argumentsOf(command)}`.trim(),
    })
    .showHelpAfterError(helpLine)
    .option('--token <token>', 'who asks; else HEADWAY_TOKEN')
    .option('--context <name>', 'a context of the nats command; else HEADWAY_NATS_CONTEXT')
    .hook('preAction', async (root) => {
      const { token, context } = root.opts<{ token?: string; context?: string }>()
      if (token !== undefined) process.env.HEADWAY_TOKEN = token
      if (context !== undefined) process.env.HEADWAY_NATS_CONTEXT = context
      useRunning()
      if (process.env.HEADWAY_NATS_CONTEXT) (await import('./nats-context.ts')).useContext()
    })
    .enablePositionalOptions()
    .exitOverride()
  for (const [name, summary] of launched) program.command(name).description(summary)
  for (const entry of commands) add(program, entry)
  program.addHelpText(
    'after',
    `\n${examplesText([
      ['start', 'the demo, with nothing else installed'],
      ['add https://example.org/gtfs.zip', 'a feed of your own'],
      ['sub', 'watch what happens'],
    ]).trimStart()}
\nEnvironment: HEADWAY_API_URL, HEADWAY_TOKEN, HEADWAY_NATS_URL, HEADWAY_NATS_CONTEXT, NO_COLOR;
  HEADWAY_DEBUG=1 shows stacks
Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 conflict, 5 cannot connect, 6 timeout, 7 denied`,
  )
  return program
}

export const runProgram = async (argv: readonly string[]): Promise<void> => {
  const program = buildProgram()
  try {
    if (argv.length === 0) program.outputHelp()
    else await program.parseAsync([...argv], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
      return
    }
    const { text, exitCode } = describe(error)
    process.stderr.write(`${text}\n`)
    process.exitCode = exitCode
  }
}
