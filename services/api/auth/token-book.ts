/**
 * Every token of the tenant as the log knows it. Kept by following the log, so that a token works without
 * Postgres and a revoked one ends everywhere within moments.
 */
import { timingSafeEqual } from 'node:crypto'
import type { Event } from '@headway/schemas/events.ts'
import { sha256 } from '@headway/schemas/ids.ts'
import type { Role } from '@headway/schemas/roles.ts'
import { tokenPattern } from '@headway/schemas/token.ts'
import type { ApiPorts } from '../api.ts'

export type KnownToken = {
  readonly id: string
  readonly hash: string
  readonly role: Role
  readonly holder: string
  readonly expiresAt: string
  readonly createdAt: string
  readonly createdBy: string
  readonly revokedAt: string | null
  readonly seq: number
}

const pauseMs = 250

type Ports = Pick<ApiPorts, 'log' | 'clock' | 'logger' | 'tenant'>

export class TokenBook {
  readonly #ports: Ports
  readonly #signal: AbortSignal
  readonly #tokens = new Map<string, KnownToken>()
  #seq = 0
  #caughtUp: Promise<void> | null = null

  constructor(ports: Ports, signal: AbortSignal) {
    this.#ports = ports
    this.#signal = signal
  }

  /** Begins to follow; resolves when every token that is on the log now is known. */
  follow(): Promise<void> {
    return (this.#caughtUp ??= new Promise((resolve) => void this.#follow(resolve)))
  }

  list(): readonly KnownToken[] {
    return [...this.#tokens.values()].toSorted((a, b) => b.seq - a.seq)
  }

  get(id: string): KnownToken | null {
    return this.#tokens.get(id) ?? null
  }

  /** Waits until what was appended at `seq` counts here. */
  async reached(seq: number, withinMs: number): Promise<void> {
    const endsAt = performance.now() + withinMs
    while (this.#seq < seq && performance.now() < endsAt && !this.#signal.aborted)
      await this.#ports.clock.sleep(5, this.#signal)
  }

  /** The token that a text is, when it is one that counts now. */
  verify(text: string, now: number): KnownToken | null {
    const id = tokenPattern.exec(text)?.[1]
    const known = id === undefined ? undefined : this.#tokens.get(id)
    if (!known || !this.isGood(known.id, now)) return null
    const given = Buffer.from(sha256(text), 'hex')
    return timingSafeEqual(given, Buffer.from(known.hash, 'hex')) ? known : null
  }

  isGood(id: string, now: number): boolean {
    const known = this.#tokens.get(id)
    return known !== undefined && known.revokedAt === null && now < Date.parse(known.expiresAt)
  }

  #apply(event: Event, seq: number): void {
    if (event.type === 'TokenCreated' && !this.#tokens.has(event.token)) {
      const { token: id, hash, role, holder, expiresAt, at: createdAt, actor } = event
      const created = { createdAt, createdBy: actor.name, revokedAt: null, seq }
      this.#tokens.set(id, { id, hash, role, holder, expiresAt, ...created })
    }
    const known = event.type === 'TokenRevoked' && this.#tokens.get(event.token)
    if (known && known.revokedAt === null)
      this.#tokens.set(known.id, { ...known, revokedAt: event.at })
  }

  async #follow(caughtUp: () => void): Promise<void> {
    const { log, tenant, clock, logger } = this.#ports
    const kinds = ['token'] as const
    const signal = this.#signal
    while (!signal.aborted) {
      try {
        const head = await log.head(kinds)
        if (head.seq <= this.#seq) caughtUp()
        for await (const commits of log.tail({ from: this.#seq + 1, kinds, signal })) {
          for (const commit of commits)
            if (commit.tenant === tenant)
              for (const event of commit.events) this.#apply(event, commit.seq)
          this.#seq = commits.at(-1)!.seq
          if (this.#seq >= head.seq) caughtUp()
        }
      } catch (error) {
        logger.warn({ error: String(error) }, 'the log of tokens is not there; trying again')
      }
      await clock.sleep(pauseMs, signal)
    }
    caughtUp()
  }
}
