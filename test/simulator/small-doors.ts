/** The doors with little behind them: bytes by digest, volatile facts, and the tables. */
import { rowId, type AnyRow } from '@headway/projector/columns.ts'
import type { Changes, Wanted } from '@headway/projector/projection.ts'
import type { Committed, Position, Store } from '@headway/projector/store.ts'
import { sha256 } from '@headway/schemas/ids.ts'
import type { Content, Live } from '@headway/schemas/ports.ts'
import type { TableName } from '@headway/schemas/tables.ts'
import type { Life, Server, Surroundings } from './process.ts'

export class ContentServer {
  readonly server: Server
  readonly #bytes = new Map<string, Uint8Array>()

  constructor(server: Server) {
    this.server = server
  }

  put(tenant: string, digest: string, bytes: Uint8Array): void {
    this.#bytes.set(`${tenant}/${digest}`, bytes)
  }

  get(tenant: string, digest: string): Uint8Array | null {
    return this.#bytes.get(`${tenant}/${digest}`) ?? null
  }
}

export const contentDoor = (content: ContentServer, life: Life): Content => ({
  put: async (tenant, bytes) => {
    const digest = sha256(bytes)
    await life.call(content.server, 'content.put', () => content.put(tenant, digest, bytes))
    return digest
  },
  get: (tenant, digest) =>
    life.call(content.server, 'content.get', () => content.get(tenant, digest)),
})

type Fact = { readonly value: string; readonly revision: number; readonly until: number }

export class LiveServer {
  readonly server: Server
  readonly #around: Surroundings
  readonly #facts = new Map<string, Fact>()
  #revision = 0

  constructor(server: Server, around: Surroundings) {
    this.server = server
    this.#around = around
  }

  put(key: string, value: string, ttlMs: number): void {
    const until = this.#around.scheduler.now + Math.max(1, Math.ceil(ttlMs / 1_000)) * 1_000
    this.#facts.set(key, { value, revision: ++this.#revision, until })
  }

  get(key: string): Fact | null {
    const fact = this.#facts.get(key)
    return fact && fact.until > this.#around.scheduler.now ? fact : null
  }

  swap(key: string, value: string, revision: number, ttlMs: number): boolean {
    if ((this.get(key)?.revision ?? 0) !== revision) return false
    this.put(key, value, ttlMs)
    return true
  }

  keys(prefix: string): string[] {
    return [...this.#facts.keys()].filter((key) => key.startsWith(`${prefix}/`) && this.get(key))
  }

  forget(): void {
    this.#facts.clear()
  }
}

export const liveDoor = (live: LiveServer, life: Life): Live => ({
  put: (key, value, ttlMs) => life.call(live.server, 'live.put', () => live.put(key, value, ttlMs)),
  get: (key) => life.call(live.server, 'live.get', () => live.get(key)),
  swap: (key, value, revision, ttlMs) =>
    life.call(live.server, 'live.swap', () => live.swap(key, value, revision, ttlMs)),
  keys: (prefix) => life.call(live.server, 'live.keys', () => live.keys(prefix)),
})

export class StoreServer {
  readonly server: Server
  readonly rows = new Map<TableName, Map<string, AnyRow>>()
  position: Position | null = null
  readonly #onCommit: (from: Position, to: Position) => void

  constructor(server: Server, onCommit: (from: Position, to: Position) => void) {
    this.server = server
    this.#onCommit = onCommit
  }

  create(position: Position): void {
    this.position ??= position
  }

  load(wanted: Wanted): ReadonlyMap<TableName, readonly AnyRow[]> {
    const found = new Map<TableName, readonly AnyRow[]>()
    for (const [table, keys] of wanted) {
      const rows = this.rows.get(table)
      found.set(
        table,
        [...keys.keys()].flatMap((id) => rows?.get(id) ?? []),
      )
    }
    return found
  }

  commit(changes: Changes, from: Position, to: Position): Committed {
    const { position } = this
    if (position?.seq !== from.seq || position.build !== from.build) return 'overtaken'
    this.#onCommit(position, to)
    this.position = { ...position, seq: to.seq, commit: to.commit }
    for (const [table, changed] of changes) {
      let rows = this.rows.get(table)
      if (!rows) this.rows.set(table, (rows = new Map()))
      for (const row of changed.values()) rows.set(rowId(table, row), row)
    }
    return 'stored'
  }
}

export const storeDoor = (store: StoreServer, life: Life): Store => {
  const { server } = store
  return {
    position: () => life.call(server, 'position', () => store.position),
    create: (position) => life.call(server, 'create', () => store.create(position)),
    load: (wanted) => life.call(server, 'load', () => store.load(wanted)),
    commit: (changes, from, to) =>
      life.call(server, 'commit', () => store.commit(changes, from, to)),
    close: () => Promise.resolve(),
  }
}
