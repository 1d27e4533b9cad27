import { configDocuments } from '@headway/schemas/content/config-documents.ts'
import { bytesOfFile, configTree, type ConfigTree } from '@headway/schemas/content/config-tree.ts'
import type { FileStatus } from '@headway/schemas/content/config-values.ts'
import { filesOf } from '@headway/schemas/rules/environment.ts'
import { schemasFrom } from '@headway/schemas/rules/schema-files.ts'
import type { Plain } from '@headway/schemas/rules/value.ts'
import { FormatError, parseFile } from '../formats/index.ts'
import { step, TerminalError, Type } from './step.ts'

/**
 * Reads the files of a rule. One that cannot be read ends the run, with every problem told: without it
 * its keys would look as if somebody had removed them.
 */

const toldMax = 5

const isEmpty = (value: Plain): boolean =>
  value === null || (typeof value === 'object' && Object.keys(value).length === 0)

/** What the rule reads; schemas that came along are for validation. */
const configFiles = ({ rule, files }: ConfigTree): ConfigTree['files'] => {
  const paths = filesOf(
    rule,
    files.map(({ path }) => path),
  )
  const { jsonSchema, cue } = rule.validate ?? {}
  const texts = new Map(files.map((file) => [file.path, file]))
  const textOf = (path: string): string | undefined => {
    const file = texts.get(path)
    return file && Buffer.from(bytesOfFile(file)).toString('utf8')
  }
  const schemas =
    jsonSchema === undefined ? new Set<string>() : new Set(schemasFrom(jsonSchema, textOf))
  if (cue !== undefined) schemas.add(cue)
  const meant = new Set(paths.filter((path) => !schemas.has(path)))
  return files.filter(({ path }) => meant.has(path))
}

export const readFiles = step({
  name: 'read_files',
  description: 'Reads JSON, YAML, TOML, env, properties, INI, XML and HCL files.',
  inputs: { tree: configTree },
  options: Type.Object({}, { additionalProperties: false }),
  output: configDocuments,
  async run({ tree }, context) {
    const { files: _, ...origin } = tree
    // What sinks held before is not in any file.
    if (context.sync?.restore) return { ...origin, documents: [], files: [] }
    const documents: { path: string; value: Plain }[] = []
    const files: FileStatus[] = []
    const problems: string[] = []
    for (const file of configFiles(tree)) {
      const { path } = file
      try {
        const value = await parseFile(path, bytesOfFile(file))
        files.push({ path, status: isEmpty(value) ? 'empty' : 'ok' })
        if (!isEmpty(value)) documents.push({ path, value })
      } catch (error) {
        if (!(error instanceof FormatError)) throw error
        const { message, line, column } = error
        const subject = { file: path, line: `${line}`, column: `${column}` }
        context.finding({ code: 'file_invalid', severity: 'error', message, subject })
        problems.push(message)
      }
    }
    for (const { path, status } of files)
      if (status === 'empty') {
        const message = `${path} says nothing: it owns no keys any more`
        context.finding({
          code: 'file_empty',
          severity: 'warning',
          message,
          subject: { file: path },
        })
      }
    const count = documents.length
    if (count > 0)
      context.finding({ code: 'file_ok', severity: 'info', message: 'files were read', count })
    if (problems.length > 0) {
      const more = problems.length > toldMax ? ` … and ${problems.length - toldMax} more` : ''
      throw new TerminalError(problems.slice(0, toldMax).join('\n') + more)
    }
    return { ...origin, documents, files }
  },
})
