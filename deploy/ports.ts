/**
 * Which ports we use, and who has them when they are taken.
 *
 * We never move silently to another port: bookmarks, scripts and a colleague's terminal would talk
 * to the wrong server. Instead all ports are tried before anything starts, and the error names
 * every holder and the one flag that moves the whole set. The servers of a start that was just
 * killed need a moment to go (see `child.ts`), so a taken port gets a second look before it counts.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

export type Ports = {
  readonly api: number
  readonly nats: number
  readonly postgres: number
  readonly agency: number
}

export type PortHolder = { readonly pid: number; readonly command: string }

const labels: Record<keyof Ports, string> = {
  api: 'API and console',
  nats: 'NATS',
  postgres: 'Postgres',
  agency: 'demo agency',
}

const patienceMs = 1_000

const defaults: Ports = { api: 4400, nats: 4222, postgres: 4402, agency: 4410 }

/** The default ports, or the set that begins at `base` (`--port-base`, `HEADWAY_PORT_BASE`). */
export function portsFrom(base: string | number | undefined): Ports {
  if (base === undefined || base === '') return defaults
  const first = Number(base)
  if (!Number.isInteger(first) || first < 1 || first > 65_525) {
    throw new Error(`port base ${base} is not a number from 1 to 65525`)
  }
  return { api: first, nats: first + 1, postgres: first + 2, agency: first + 10 }
}

/** Throws one error for all ports that are taken: by whom, and how to move. */
export async function assertPortsFree(ports: Partial<Ports>): Promise<void> {
  const entries = Object.entries(ports) as [keyof Ports, number][]
  const codes = await Promise.all(entries.map(([, port]) => lastingListenError(port)))
  const owners = new Map<number, PortHolder>()
  const taken = entries.flatMap(([name, port], index) => {
    const code = codes[index]
    if (code === undefined) return []
    const holder = code === 'EADDRINUSE' ? portHolder(port) : undefined
    const owner = holder === undefined ? undefined : ownerOf(holder)
    if (owner !== undefined) owners.set(owner.pid, owner)
    return [`port ${port} (${labels[name]}) ${takenBy(port, code, holder)}`]
  })
  if (taken.length === 0) return
  const base = await freeBase()
  const advice = [`npm start -- --port-base ${base}\tuses ports ${base} to ${base + 10} instead`]
  for (const { pid, command } of owners.values()) {
    advice.push(`kill ${pid}\tstops the other one: ${brief(command)}`)
  }
  throw new Error([...taken, ...advice.map((line) => `  ${line}`)].join('\n'))
}

function takenBy(port: number, code: string, holder: PortHolder | undefined): string {
  if (code !== 'EADDRINUSE') return `cannot be used (${code})`
  if (holder === undefined) return `is taken (lsof -i :${port} may tell by whom)`
  return `is taken by pid ${holder.pid}: ${brief(holder.command)}`
}

/** A server under our script is kept by the process above; stopping the server alone is in vain. */
function ownerOf(holder: PortHolder): PortHolder {
  for (let pid = holder.pid, isOurs = false; ; isOurs = true) {
    const parent = parentOf(pid)
    const command = parent === undefined ? undefined : commandOf(parent)
    if (parent === undefined || command === undefined || parent === 1) return holder
    if (!/\bchild\.sh\b/.test(command)) return isOurs ? { pid: parent, command } : holder
    pid = parent
  }
}

function brief(command: string): string {
  return command.length <= 120 ? command : `${command.slice(0, 119)}…`
}

/** A port nobody has at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Who listens on a TCP port, where `/proc` can tell and we may look. */
export function portHolder(port: number): PortHolder | undefined {
  const inodes = new Set([
    ...listeners('/proc/net/tcp', port),
    ...listeners('/proc/net/tcp6', port),
  ])
  for (const entry of inodes.size === 0 ? [] : readdirSync('/proc')) {
    if (/^\d+$/.test(entry) && hasSocket(entry, inodes)) {
      return { pid: Number(entry), command: commandOf(Number(entry)) ?? 'unknown' }
    }
  }
  return undefined
}

/** The command line of a live process; undefined when there is none or it only waits for burial. */
export function commandOf(pid: number): string | undefined {
  if (!Number.isInteger(pid) || pid < 1) return undefined
  const words = existsSync('/proc/self/cmdline') ? procCommand(pid) : psCommand(pid)
  return words === '' ? undefined : words
}

function parentOf(pid: number): number | undefined {
  try {
    // The second field is the program's name in parentheses and may hold anything.
    const [, parent] =
      readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return Number(parent)
  } catch {
    return undefined
  }
}

function procCommand(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim()
  } catch {
    return ''
  }
}

function psCommand(pid: number): string {
  return spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim()
}

async function lastingListenError(port: number): Promise<string | undefined> {
  const until = performance.now() + patienceMs
  for (;;) {
    const code = await listenError(port)
    if (code !== 'EADDRINUSE' || performance.now() > until) return code
    await delay(50)
  }
}

function listenError(port: number): Promise<string | undefined> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)))
  })
}

async function freeBase(): Promise<number> {
  for (let base = 4500; base < 60_000; base += 100) {
    const codes = await Promise.all(Object.values(portsFrom(base)).map(listenError))
    if (codes.every((code) => code === undefined)) return base
  }
  return 4500
}

function listeners(table: string, port: number): string[] {
  try {
    const rows = readFileSync(table, 'utf8').split('\n').slice(1)
    return rows.flatMap((row) => {
      const [, local, , state, , , , , , inode] = row.trim().split(/\s+/)
      const listens = state === '0A' && Number.parseInt(local?.split(':')[1] ?? '', 16) === port
      return listens && inode !== undefined ? [`socket:[${inode}]`] : []
    })
  } catch {
    return []
  }
}

function hasSocket(pid: string, inodes: ReadonlySet<string>): boolean {
  try {
    const folder = `/proc/${pid}/fd`
    return readdirSync(folder).some((fd) => inodes.has(readlink(`${folder}/${fd}`)))
  } catch {
    return false
  }
}

function readlink(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
