/**
 * Fills a schema as fast as Postgres takes it: everything in one transaction, rows by COPY into tables
 * without indexes, then keys and indexes. Where the server keeps a minimal WAL, tables made in the same
 * transaction are not logged at all; a crash half-way leaves nothing behind either way.
 *
 * Rows are written as text per table and sent when a piece is full; the caller goes on folding while
 * Postgres copies, and waits only when too much is under way.
 *
 * A key may come twice (the same step told twice): the newer row is the one further down, and the older
 * is deleted when the key is made. The rows of runs come once each, when they are final; the keys of the
 * ones that went are remembered as 53-bit numbers, so that a request that comes again finds its row.
 */
import type pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { TableName } from '@headway/schemas/tables.ts'
import { columnsOf, copyLine, keyColumns, quote, tableNames, type AnyRow } from './columns.ts'
import type { Wanted } from './projection.ts'
import * as sql from './store.ts'

const pieceBytes = 1 << 22
const underWayMax = 8
const uniqueViolation = '23505'

type Piece = { readonly bytes: Buffer; used: number }

export class Bulk {
  readonly #client: pg.Client
  readonly #schema: string
  readonly #pieces = new Map<TableName, Piece>()
  #queue: Promise<void> = Promise.resolve()
  #failure: Error | null = null
  #underWay = 0
  rows = 0

  constructor(client: pg.Client, schema: string) {
    this.#client = client
    this.#schema = schema
  }

  async begin(): Promise<void> {
    await this.#client.query(`drop schema if exists ${this.#schema} cascade`)
    await this.#client.query(`set synchronous_commit = off; set maintenance_work_mem = '128MB'`)
    await this.#client.query('begin')
    await this.#client.query(sql.createTables(this.#schema))
  }

  /** Written out at once: text that waits to be joined is what garbage collectors suffer from. */
  add(table: TableName, row: AnyRow): void {
    const line = copyLine(table, row)
    let piece = this.#pieces.get(table)
    if (!piece || piece.used + line.length * 3 > piece.bytes.length) {
      this.#send(table)
      piece = { bytes: Buffer.allocUnsafeSlow(Math.max(pieceBytes, line.length * 3)), used: 0 }
      this.#pieces.set(table, piece)
    }
    piece.used += piece.bytes.write(line, piece.used)
    this.rows++
  }

  /** Resolves when there is room for more. */
  async room(): Promise<void> {
    if (this.#failure) throw this.#failure
    if (this.#underWay > underWayMax) await this.#queue
  }

  async drained(): Promise<void> {
    for (const table of tableNames) this.#send(table)
    await this.#queue
    if (this.#failure) throw this.#failure
  }

  /**
   * Rows that were written already, the newest of a key last; a walk through the whole table, so only
   * for the rare case.
   */
  async find(wanted: Wanted): Promise<Map<TableName, AnyRow[]>> {
    await this.drained()
    const found = new Map<TableName, AnyRow[]>()
    for (const [table, keys] of wanted) {
      const values = [...keys.values()]
      const arrays = keyColumns(table).map((_, i) => values.map((key) => key[i]))
      const { rows } = await this.#client.query<AnyRow>(
        `${sql.selectByKey(this.#schema, table)} order by t.ctid`,
        arrays,
      )
      found.set(table, rows)
    }
    return found
  }

  async finish(position: sql.Position, onTable: () => void): Promise<void> {
    await this.drained()
    for (const table of tableNames) {
      await this.#createKey(table)
      for (const statement of sql.createIndexes(this.#schema, table))
        await this.#client.query(statement)
      onTable()
    }
    await this.#client.query(sql.insertPosition(this.#schema), [...sql.positionValues(position)])
    await this.#client.query('commit')
    for (const table of tableNames) await this.#client.query(`analyze ${this.#schema}.${table}`)
  }

  async #createKey(table: TableName): Promise<void> {
    const name = `${this.#schema}.${table}`
    await this.#client.query('savepoint key')
    try {
      await this.#client.query(sql.createKey(this.#schema, table))
    } catch (error) {
      if ((error as { code?: string }).code !== uniqueViolation) throw error
      const key = keyColumns(table).map(quote).join(', ')
      await this.#client.query('rollback to savepoint key')
      await this.#client.query(
        `delete from ${name} where ctid in (
           select ctid from (
             select ctid, row_number() over (partition by ${key} order by ctid desc) as nth
             from ${name}) as numbered
           where nth > 1)`,
      )
      await this.#client.query(sql.createKey(this.#schema, table))
    }
    await this.#client.query('release savepoint key')
  }

  #send(table: TableName): void {
    const piece = this.#pieces.get(table)
    if (!piece) return
    this.#pieces.delete(table)
    const bytes = piece.bytes.subarray(0, piece.used)
    this.#underWay++
    this.#queue = this.#queue
      .then(() => (this.#failure ? undefined : this.#copy(table, bytes)))
      .catch((error: Error) => {
        this.#failure ??= error
      })
      .finally(() => {
        this.#underWay--
      })
  }

  #copy(table: TableName, bytes: Buffer): Promise<void> {
    const columns = columnsOf(table).map(({ name }) => quote(name))
    return copyIn(this.#client, `${this.#schema}.${table} (${columns.join(', ')})`, bytes)
  }
}

/** COPY of one piece of text, into a table made in the same transaction. */
export const copyIn = (client: pg.Client, target: string, bytes: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    const stream = client.query(copyFrom(`copy ${target} from stdin with (freeze)`))
    stream.once('error', reject)
    stream.once('finish', resolve)
    stream.end(bytes)
  })
