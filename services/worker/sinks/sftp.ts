/**
 * A file on another machine, by SFTP. The host must show the key that the configuration names
 * (`ssh-keyscan <host> | ssh-keygen -lf -`); there is no first time that is trusted.
 *
 * As on this machine: written beside, flushed where the server can (OpenSSH), renamed over
 * (`posix-rename`), under a lock beside the file.
 */
import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import type SftpClient from 'ssh2-sftp-client'
import type { Static } from 'typebox'
import { Type } from '../options.ts'
import type { FilePlace } from './file.ts'
import { underLock, type LockPlace } from './lock.ts'
import { SinkError } from './sink.ts'

export const sftpOptions = Type.Object({
  host: Type.String(),
  port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
  username: Type.String(),
  /** `SHA256:…`, as OpenSSH shows it. */
  hostKey: Type.String({ pattern: '^SHA256:[A-Za-z0-9+/]{43}=?$' }),
  password: Type.Optional(Type.String({ secret: true })),
  privateKey: Type.Optional(Type.String({ secret: true })),
  passphrase: Type.Optional(Type.String({ secret: true })),
  timeoutMs: Type.Optional(Type.Integer({ minimum: 100 })),
})

type Given = Static<typeof sftpOptions>
type Done = (error?: Error | null) => void
/** The protocol's own requests, below what the client offers. */
type Requests = {
  open(path: string, flags: string, done: (error: Error | null, handle: Buffer) => void): void
  close(handle: Buffer, done: Done): void
  writeFile(path: string, text: string, how: { flag: string; mode: number }, done: Done): void
  chown(path: string, uid: number, gid: number, done: Done): void
  chmod(path: string, mode: number, done: Done): void
  ext_openssh_fsync(handle: Buffer, done: Done): void
}
const requests = (client: SftpClient): Requests => (client as unknown as { sftp: Requests }).sftp
const create = (client: SftpClient, path: string, text: string, mode: number) =>
  asked((done) => requests(client).writeFile(path, text, { flag: 'wx', mode }, done))

export const sftpPlace = async (given: Given, path: string): Promise<FilePlace> => {
  const { default: Client } = await import('ssh2-sftp-client')
  const session = new Session(given, path, () => new Client('headway'))
  return {
    read: (signal) => session.use(signal, (client) => contentOf(client, path)),
    change: (to, signal) =>
      session.use(signal, async (client) => {
        await makeFolder(client, posix.dirname(path))
        const lock = posix.join(posix.dirname(path), `.${posix.basename(path)}.lock`)
        await underLock(locksOf(client), lock, signal, async () => {
          const before = await contentOf(client, path)
          const wanted = to(before)
          signal.throwIfAborted()
          if (wanted !== before) await replaceFile(client, path, wanted)
        })
      }),
    close: () => session.close(),
  }
}

type Connection = { readonly client: SftpClient; readonly ready: Promise<unknown> }

/** One login for as long as the sink is open; a connection that failed is never used again. */
class Session {
  readonly #given: Given
  readonly #at: string
  readonly #newClient: () => SftpClient
  #connection: Connection | null = null

  constructor(given: Given, path: string, newClient: () => SftpClient) {
    this.#given = given
    this.#newClient = newClient
    this.#at = `file: sftp ${given.username}@${given.host}:${given.port ?? 22}${path}`
  }

  async use<T>(signal: AbortSignal, act: (client: SftpClient) => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    const { client, ready } = (this.#connection ??= this.#connect())
    const stop = () => void this.close()
    signal.addEventListener('abort', stop, { once: true })
    try {
      await ready
      return await act(client)
    } catch (error) {
      await this.close()
      signal.throwIfAborted()
      throw error instanceof SinkError ? error : problemOf(this.#at, error)
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  async close(): Promise<void> {
    const connection = this.#connection
    this.#connection = null
    await connection?.client.end().catch(() => {})
  }

  #connect(): Connection {
    const client = this.#newClient()
    client.on('error', () => {})
    client.on('close', () => {
      if (this.#connection?.client === client) this.#connection = null
    })
    const ready = this.#login(client)
    ready.catch(() => {})
    return { client, ready }
  }

  async #login(client: SftpClient): Promise<void> {
    const { host, port = 22, username, timeoutMs = 10_000, ...given } = this.#given
    let isStranger = false
    const { password, privateKey, passphrase } = given
    const hostVerifier = (key: Buffer) => {
      const shown = createHash('sha256').update(key).digest('base64').replace(/=+$/, '')
      isStranger = `SHA256:${shown}` !== given.hostKey.replace(/=+$/, '')
      return !isStranger
    }
    const login = {
      ...(password === undefined ? {} : { password }),
      ...(privateKey === undefined ? {} : { privateKey }),
      ...(passphrase === undefined ? {} : { passphrase }),
    }
    const timing = { readyTimeout: timeoutMs, keepaliveInterval: 10_000 }
    try {
      await client.connect({ host, port, username, ...timing, ...login, hostVerifier })
    } catch (error) {
      if (!isStranger) throw error
      const problem = `${this.#at}: the host shows another key than \`hostKey\``
      throw new SinkError(problem, { retryable: false })
    }
  }
}

const problemOf = (at: string, error: unknown): SinkError => {
  const { message, code } = error as { message?: string; code?: string | number }
  if (/authentication|privateKey|passphrase/i.test(String(message))) {
    return new SinkError(`${at}: the login was refused`, { retryable: false })
  }
  if (code === 3 || /permission denied/i.test(String(message))) {
    return new SinkError(`${at}: permission denied`, { retryable: false })
  }
  return new SinkError(`${at}: ${String(code ?? 'connection lost')}`, { retryable: true })
}

const contentOf = async (client: SftpClient, path: string): Promise<string | null> => {
  const kind = await client.exists(path)
  if (kind === false) return null
  if (kind !== '-') {
    const what = kind === 'l' ? 'a symbolic link' : 'no file'
    throw new SinkError(`file: ${path} is ${what}; it is left alone`, { retryable: false })
  }
  return ((await client.get(path)) as Buffer).toString('utf8')
}

/** Another may make it at the same moment. */
const makeFolder = async (client: SftpClient, path: string): Promise<void> => {
  if (await client.exists(path)) return
  await client.mkdir(path, true).catch(async (error: unknown) => {
    if ((await client.exists(path)) === false) throw error
  })
}

const locksOf = (client: SftpClient): LockPlace => ({
  make: async (name, text) => {
    try {
      await create(client, name, text, 0o600)
      return true
    } catch (error) {
      if ((await client.exists(name)) === false && !isTaken(error)) throw error
      return false
    }
  },
  read: (name) => textOf(client, name),
  remove: (name) => client.delete(name, true).then(() => {}),
})

/** OpenSSH calls "exists already" a failure and nothing more. */
const isTaken = (error: unknown): boolean => /failure/i.test(String((error as Error).message))

const textOf = async (client: SftpClient, path: string): Promise<string | null> => {
  try {
    return ((await client.get(path)) as Buffer).toString('utf8')
  } catch {
    return null
  }
}

/** Only under the lock: what an earlier writer left beside the file is written over. */
const replaceFile = async (client: SftpClient, path: string, content: string): Promise<void> => {
  const sftp = requests(client)
  const old = (await client.exists(path)) ? await client.stat(path) : null
  const beside = posix.join(posix.dirname(path), `.${posix.basename(path)}.new`)
  const mode = old ? old.mode & 0o7777 : 0o644
  await client.delete(beside, true)
  await create(client, beside, content, mode)
  if (old) {
    await asked((done) => sftp.chown(beside, old.uid, old.gid, done)).catch(() => {})
    await asked((done) => sftp.chmod(beside, mode, done))
  }
  await flush(sftp, beside)
  await client.posixRename(beside, path)
}

/** A server without the extension answers by what its own system does. */
const flush = async (sftp: Requests, path: string): Promise<void> => {
  const handle = await new Promise<Buffer>((resolve, reject) => {
    sftp.open(path, 'r+', (error, opened) => (error ? reject(error) : resolve(opened)))
  })
  try {
    await asked((done) => sftp.ext_openssh_fsync(handle, done)).catch(() => {})
  } finally {
    await asked((done) => sftp.close(handle, done))
  }
}

const asked = (act: (done: Done) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    act((error) => (error ? reject(error) : resolve()))
  })
