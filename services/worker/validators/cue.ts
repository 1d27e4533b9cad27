/**
 * CUE: the `cue` binary where there is one on the PATH, otherwise the same command under Node. The values
 * are given as data with their types, and to a definition, because a definition that nothing refers to
 * is checked by nobody. What only a secret's value could tell is not asked of secrets.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inThread, timeoutMs, ValidatorError, type Problem, type Subject } from './validator.ts'

export type CueResult = { readonly code: number; readonly stderr: string }

const outputBytesMax = 4 * 2 ** 20
const files = { schema: 'schema.cue', values: 'values.json' } as const
const usual = '#Config'

/** The definition to apply; null when the file's own fields are the schema. */
export const definitionIn = (schema: string, given: string | undefined): string | null => {
  if (given) return given
  if (new RegExp(`^${usual}\\s*:`, 'm').test(schema)) return usual
  const hasDefinitions = /^#\w+\s*:/m.test(schema)
  const hasFields = /^(?:"[^"\n]*"|[A-Za-z_$][\w$]*[?!]?|\[[^\n]*\])\s*:/m.test(schema)
  if (hasDefinitions && !hasFields)
    throw new ValidatorError('the schema has definitions only: name one as validate.definition', {
      retryable: false,
    })
  return null
}

/** Runs the binary; null when there is none. It finds no registry, so nothing is fetched. */
const runBinary = (
  args: readonly string[],
  directory: string,
  signal: AbortSignal,
  limitMs: number,
): Promise<CueResult | null> =>
  new Promise((resolve, reject) => {
    const env = {
      PATH: process.env['PATH'] ?? '',
      HOME: directory,
      CUE_CACHE_DIR: directory,
      CUE_REGISTRY: 'none',
    }
    const options = { cwd: directory, env, signal, timeout: limitMs, maxBuffer: outputBytesMax }
    execFile('cue', [...args], { ...options, killSignal: 'SIGKILL' }, (error, _out, stderr) => {
      if (!error) return resolve({ code: 0, stderr })
      if (error.code === 'ENOENT') return resolve(null)
      if (typeof error.code === 'number') return resolve({ code: error.code, stderr })
      const why = error.killed ? `cue took longer than ${limitMs} ms` : 'cue could not be run'
      return reject(new ValidatorError(why, { retryable: true }))
    })
  })

const run = async (
  args: readonly string[],
  directory: string,
  signal: AbortSignal,
  limitMs: number,
): Promise<CueResult> => {
  const found = await runBinary(args, directory, signal, limitMs)
  if (found) return found
  const entry = new URL('./cue-thread.ts', import.meta.url)
  return inThread<CueResult>(entry, { args, directory }, signal, limitMs)
}

/** The way to a value as CUE writes it: `db."a.b".port`, lists by number. */
const pathOf = (written: string): string[] =>
  [...written.matchAll(/"((?:[^"\\]|\\.)*)"|[^."]+/g)].map(([part, quoted]) => quoted ?? part)

const problemOf = (line: string, definition: string | null): Problem => {
  const found =
    /^((?:"(?:[^"\\]|\\.)*"|[\w$#-]+)(?:\.(?:"(?:[^"\\]|\\.)*"|[\w$#-]+))*): (.*)$/.exec(line)
  if (!found) return { path: [], message: line }
  const path = pathOf(found[1]!)
  return { path: path[0] === definition ? path.slice(1) : path, message: found[2]! }
}

/** Errors begin at the margin; where they are is written below, indented. */
export const problemsIn = (stderr: string, definition: string | null): Problem[] =>
  stderr
    .split('\n')
    .filter((line) => /^\S/.test(line))
    .map((line) => problemOf(line.replace(/:$/, ''), definition))

const ofValues = /^invalid value .*\((?:out of bound|does not satisfy) /

export const validateCue = async (
  subject: Subject,
  schema: string,
  given: string | undefined,
  signal: AbortSignal,
  limitMs = timeoutMs,
): Promise<readonly Problem[]> => {
  const definition = definitionIn(schema, given)
  const directory = await mkdtemp(join(tmpdir(), 'headway-cue-'))
  try {
    await writeFile(join(directory, files.schema), schema)
    await writeFile(join(directory, files.values), JSON.stringify(subject.value))
    const args = ['vet', '--all-errors', ...(definition ? ['-d', definition] : [])]
    const paths = [join(directory, files.schema), join(directory, files.values)]
    const { code, stderr } = await run([...args, ...paths], directory, signal, limitMs)
    if (code === 0) return []
    const found = problemsIn(stderr.replaceAll(`${directory}/`, ''), definition)
    if (found.length === 0)
      throw new ValidatorError(`cue ended with ${code} and did not say why`, { retryable: true })
    return found.filter((one) => !(ofValues.test(one.message) && subject.isSecret(one.path)))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
