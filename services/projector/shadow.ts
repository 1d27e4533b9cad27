/**
 * The schema that a replay fills: rows that are new are copied, rows that change are upserted, nothing
 * waits for the disk (what a crash loses here is made again), indexes come last.
 */
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { tables, type Table, type TableName } from '@headway/schemas/tables.ts'
import { keyOf, type AnyRow, type Changes, type FullKey, type RowSource } from './fold.ts'
import { createIndexes, createTables, select, upsert, type Position } from './store.ts'

export const shadowSchema = 'headway_shadow'
const tableNames = Object.keys(tables) as TableName[]
const uniqueViolation = '23505'
const rowsPerPiece = 500
const special = /[\\\t\n\r]/
const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
}

const copyText = (value: unknown): string => {
  if (value === null || value === undefined) return '\\N'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return special.test(text) ? text.replace(/[\\\t\n\r]/g, (one) => escapes[one]!) : text
}

/** Rows as the lines of `copy … from stdin`, in pieces of a few hundred. A text in jsonb is quoted. */
function* copyLines(name: TableName, rows: readonly AnyRow[]): Generator<string> {
  const columns = Object.entries((tables[name] as Table).columns)
  for (let first = 0; first < rows.length; first += rowsPerPiece) {
    let piece = ''
    for (const row of rows.slice(first, first + rowsPerPiece) as Record<string, unknown>[]) {
      for (const [i, [column, type]] of columns.entries()) {
        const value = row[column]
        const isJsonText = typeof value === 'string' && type.startsWith('jsonb')
        piece += (i > 0 ? '\t' : '') + copyText(isJsonText ? JSON.stringify(value) : value)
      }
      piece += '\n'
    }
    yield piece
  }
}

export class Shadow implements RowSource {
  readonly #client: pg.Client
  readonly #written = new Map<TableName, Set<string>>()
  #writing: Promise<void> = Promise.resolve()

  constructor(client: pg.Client) {
    this.#client = client
    for (const name of tableNames) this.#written.set(name, new Set())
  }

  async prepare(): Promise<void> {
    await this.#client.query('set synchronous_commit = off')
    await this.#client.query(`drop schema if exists ${shadowSchema} cascade`)
    await this.#client.query(createTables(shadowSchema, false))
  }

  /** Only rows that were written and forgotten have to be asked for. */
  async load(name: TableName, keys: readonly FullKey[]): Promise<readonly AnyRow[]> {
    const written = this.#written.get(name)!
    const known = keys.filter((key) => written.has(key.join('\n')))
    if (known.length === 0) return []
    await this.#writing
    const { key } = tables[name] as Table
    const asked = known.map((values) => Object.fromEntries(key.map((c, i) => [c, values[i]])))
    const result = await this.#client.query<AnyRow>(select(shadowSchema, name), [
      JSON.stringify(asked),
    ])
    return result.rows
  }

  /** Resolves when the changes before these are written; these go on in the background. */
  async write(changes: Changes): Promise<void> {
    await this.#writing
    this.#writing = this.#writeAll(changes)
    this.#writing.catch(() => {})
  }

  async finish(position: Position): Promise<void> {
    await this.#writing
    await this.#client.query(
      `insert into ${shadowSchema}.position (incarnation, seq, commit_id, models)
       values ($1, $2, $3, $4)
       on conflict (one) do update set seq = excluded.seq, commit_id = excluded.commit_id`,
      [position.incarnation, position.seq, position.commitId, position.models],
    )
  }

  async index(): Promise<void> {
    await this.#writing
    for (const name of tableNames)
      for (const statement of createIndexes(shadowSchema, name)) await this.#client.query(statement)
    for (const name of tableNames) await this.#client.query(`analyze ${shadowSchema}.${name}`)
  }

  async drop(): Promise<void> {
    await this.#writing.catch(() => {})
    await this.#client.query(`drop schema if exists ${shadowSchema} cascade`)
  }

  async #writeAll(changes: Changes): Promise<void> {
    for (const [name, { once, rows }] of changes) {
      if (once) {
        await this.#copy(name, rows, once)
        continue
      }
      const written = this.#written.get(name)!
      const fresh: AnyRow[] = []
      const changed: AnyRow[] = []
      for (const row of rows) {
        const id = keyOf(name, row).join('\n')
        ;(written.has(id) ? changed : fresh).push(row)
        written.add(id)
      }
      if (fresh.length > 0) await this.#copy(name, fresh, once)
      if (changed.length > 0) await this.#upsert(name, changed, once)
    }
  }

  /** Copies; when a row is there already (the same word twice in the log) upserts instead. */
  async #copy(name: TableName, rows: readonly AnyRow[], once: boolean): Promise<void> {
    const columns = Object.keys((tables[name] as Table).columns).map((column) => `"${column}"`)
    const stream = this.#client.query(
      copyFrom(`copy ${shadowSchema}.${name} (${columns.join(', ')}) from stdin`),
    )
    try {
      await pipeline(Readable.from(copyLines(name, rows)), stream)
    } catch (error) {
      if ((error as { code?: string }).code !== uniqueViolation) throw error
      await this.#upsert(name, rows, once)
    }
  }

  async #upsert(name: TableName, rows: readonly AnyRow[], once: boolean): Promise<void> {
    await this.#client.query(upsert(shadowSchema, name, once), [JSON.stringify(rows)])
  }
}
