/**
 * What `npm start` shows: nothing in the first moments, then phases with their times, one block of
 * addresses, then the story. On a terminal with colours, elsewhere as plain lines; as JSON for tools;
 * with `--quiet` only what went wrong.
 */
import { styleText } from 'node:util'
import type { Commit } from '@headway/schemas/ports.ts'
import { tell } from './story.ts'

const slowMs = 5_000

type Ready = {
  readonly ms: number
  readonly console: string
  readonly api: string
  readonly docs: string
  readonly nats: string
  readonly postgres: string
  readonly dataDir: string
}

export class Terminal {
  readonly #quiet: boolean
  readonly #json: boolean
  readonly #colours: boolean

  constructor({ quiet, json }: { readonly quiet: boolean; readonly json: boolean }) {
    this.#quiet = quiet
    this.#json = json
    this.#colours = process.stdout.isTTY && !process.env.NO_COLOR && !process.env.CI
  }

  line(text: string): void {
    if (!this.#quiet && !this.#json) process.stdout.write(`${text}\n`)
  }

  header(version: string): void {
    this.line(
      `\n  ${this.#paint('bold', 'headway')} ${version}   (node ${process.versions.node})\n`,
    )
  }

  /** Runs a phase and tells how long it took and what came of it; on the way, when it takes long. */
  async phase<T>(
    name: string,
    run: () => Promise<{ value: T; told: string }>,
    whenSlow = `${name} is not ready yet; it is waited for`,
  ): Promise<T> {
    const startedAt = performance.now()
    const slow = setTimeout(() => this.problem(whenSlow), slowMs)
    const { value, told } = await run().finally(() => clearTimeout(slow))
    const took = `${Math.round(performance.now() - startedAt)} ms`.padStart(8)
    this.line(`  ${this.#paint('green', '✔')} ${name.padEnd(14)}${told.padEnd(34)}${took}`)
    return value
  }

  ready(ready: Ready, ephemeral: boolean): void {
    if (this.#json) process.stdout.write(`${JSON.stringify({ event: 'ready', ...ready })}\n`)
    const data = ephemeral ? 'forgotten at the end' : `${ready.dataDir}   (--ephemeral to forget)`
    this.line('')
    this.line(`  Console     ${ready.console}`)
    this.line(`  API         ${ready.api}/status     (docs: ${ready.docs})`)
    this.line(`  NATS        ${ready.nats}     nats sub 'headway.>'`)
    this.line(`  Postgres    ${ready.postgres}`)
    this.line(`  Data        ${data}`)
    this.line('')
    this.line(
      `  ${this.#paint('bold', `Ready in ${(ready.ms / 1_000).toFixed(1)} s.`)}   Ctrl-C to stop`,
    )
    this.line('')
  }

  story(commit: Commit): void {
    if (this.#json)
      for (const event of commit.events)
        process.stdout.write(`${JSON.stringify({ event: 'fact', seq: commit.seq, fact: event })}\n`)
    else for (const line of tell(commit, this.#colours)) this.line(line)
  }

  stopping(): void {
    this.line('\n  stopping: what runs is finished first (Ctrl-C again to kill)')
  }

  problem(message: string): void {
    process.stderr.write(`  ${this.#paint('red', '✖')} ${message}\n`)
  }

  #paint(style: Parameters<typeof styleText>[0], text: string): string {
    return this.#colours ? styleText(style, text) : text
  }
}
