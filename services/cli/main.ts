/**
 * `headway <command>`. Loads what the command needs and nothing more. Ends by an empty loop with an exit
 * code, never by force, so that what was printed is printed.
 */
const argv = process.argv.slice(2)

// Whoever reads our output may go away at any time: `headway --help | head -1`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

if (argv[0] === 'decode' && argv.length === 1) {
  // One process per message in `nats sub --translate`: not even the command parser is loaded.
  const { run } = await import('./commands/decode.ts')
  await run()
} else {
  const { runProgram } = await import('./program.ts')
  await runProgram(argv)
}

export {}
