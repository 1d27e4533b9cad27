/** One validation with JSON Schema in a thread of its own: its regular expressions may never end. */
import { parentPort, workerData } from 'node:worker_threads'
import { addressOfSchema, pathOfSchema } from '@headway/schemas/rules/schema-files.ts'
import type { Plain } from '@headway/schemas/rules/value.ts'
import { Ajv, type AnySchemaObject, type ErrorObject, type Options } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { parseFile } from '../formats/index.ts'
import type { SchemaFiles, SchemaProblem } from './json-schema.ts'
import type { ThreadResult } from './validator.ts'

type Given = { readonly value: Plain; readonly path: string; readonly files: SchemaFiles }

const problemsMax = 100

const schemaOf = async (files: SchemaFiles, path: string): Promise<AnySchemaObject> => {
  const text = Object.hasOwn(files, path) ? files[path] : undefined
  if (text === undefined)
    throw new Error(`${path} is not among the files of the repository that came along`)
  const schema = await parseFile(path, Buffer.from(text))
  if (typeof schema === 'object' && schema !== null && !Array.isArray(schema))
    return { ...(schema as AnySchemaObject), $id: addressOfSchema(path) }
  throw new Error(`${path} is not a schema: it has to be an object`)
}

/** Where a reference leads, if it is a file of ours. */
const loaderOf = (files: SchemaFiles) => async (uri: string) => {
  const path = pathOfSchema(uri)
  if (path !== null) return schemaOf(files, path)
  const { host, protocol } = new URL(uri)
  throw new Error(`a reference leads to ${host || protocol}: put what it means into the repository`)
}

const pathOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))

const problemOf = ({ instancePath, keyword, message, params }: ErrorObject): SchemaProblem => {
  const more = keyword === 'additionalProperties' ? `: ${params['additionalProperty']}` : ''
  return { path: pathOf(instancePath), keyword, message: `${message ?? keyword}${more}` }
}

const validate = async ({ value, path, files }: Given): Promise<SchemaProblem[]> => {
  const schema = await schemaOf(files, path)
  const isDraft7 = String(schema['$schema'] ?? '').includes('draft-07')
  const options: Options = {
    allErrors: true,
    strictTypes: false,
    strictTuples: false,
    loadSchema: loaderOf(files),
  }
  const ajv = isDraft7 ? new Ajv(options) : new Ajv2020(options)
  formats.default(ajv)
  const check = await ajv.compileAsync(schema)
  return check(value) ? [] : (check.errors ?? []).slice(0, problemsMax).map(problemOf)
}

const given = workerData as Given
const told: ThreadResult<SchemaProblem[]> = await validate(given).then(
  (result) => ({ result }),
  (error: unknown) => ({ failure: (error as Error).message }),
)
parentPort!.postMessage(told)
