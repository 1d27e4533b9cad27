/** One look at a URL before it is believed: bounded in time and size, with the secret it will need. */
import type { AssetEntry } from '@headway/schemas/config/shape.ts'
import { resolveSecret } from '@headway/streams/secrets.ts'
import { CliError } from './errors.ts'

const timeoutMs = 30_000
const sizeBytesMax = 256 * 1024 * 1024

export type AuthOptions = {
  readonly header?: string
  readonly query?: string
  readonly bearer?: string
}
type Auth = NonNullable<AssetEntry['auth']>

const named = (flag: string, text: string): { readonly name: string; readonly value: string } => {
  const [, name, value] = /^([^=]+)=((?:env|file|vault):.+)$/.exec(text) ?? []
  if (name !== undefined && value !== undefined) return { name, value }
  throw new CliError('usage', `${flag} names the secret and does not hold it`, [
    `${flag} name=env:NAME\ttakes it from the environment of the fetcher`,
  ])
}

/** The `auth` of the file that these flags mean. */
export const authFrom = ({ header, query, bearer }: AuthOptions): Auth | undefined => {
  if (header !== undefined) return { header: named('--header', header) }
  if (query !== undefined) return { query: named('--query', query) }
  if (bearer === undefined) return undefined
  return { bearer: { token: named('--bearer', `token=${bearer}`).value } }
}

const secretOf = (ref: string): Promise<string> =>
  resolveSecret(ref).catch((error: Error) => {
    const name = ref.slice(ref.indexOf(':') + 1)
    const cures: Readonly<Record<string, string>> = {
      env: `export ${name}=…\tsets it`,
      file: `ls -l ${name}\tshows what is there`,
      vault: 'export VAULT_ADDR=… VAULT_TOKEN=…\tsays where and as whom to ask',
    }
    const cure = cures[ref.slice(0, ref.indexOf(':'))]
    throw new CliError(
      'failed',
      `${ref} leads to nothing here: ${error.message}`,
      cure ? [cure] : [],
    )
  })

const requestOf = async (
  url: string,
  auth: Auth | undefined,
): Promise<{ readonly url: URL; readonly headers: Record<string, string> }> => {
  const target = new URL(url)
  const headers: Record<string, string> = { 'user-agent': 'Headway/0.1 (headway add)' }
  if (auth?.header) headers[auth.header.name.toLowerCase()] = await secretOf(auth.header.value)
  if (auth?.query) target.searchParams.set(auth.query.name, await secretOf(auth.query.value))
  if (auth?.bearer) headers.authorization = `Bearer ${await secretOf(auth.bearer.token)}`
  return { url: target, headers }
}

const readBody = async (response: Response, where: string): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > sizeBytesMax)
      throw new CliError('failed', `${where} sends more than ${sizeBytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const failure = (error: unknown, where: string): CliError => {
  if (error instanceof CliError) return error
  const { name, cause } = error as Error & { cause?: { code?: string } }
  if (name === 'TimeoutError')
    return new CliError('timeout', `${where} did not answer within ${timeoutMs / 1_000} s`)
  return new CliError('unreachable', `${where} cannot be fetched (${cause?.code ?? name})`, [
    `curl -sSI ${where}\tshows what is wrong`,
  ])
}

/** The bytes behind the URL. Nothing said about a failure carries the query. */
export const fetchOnce = async (url: string, auth: Auth | undefined): Promise<Uint8Array> => {
  const { origin, pathname } = new URL(url)
  const where = `${origin}${pathname}`
  const request = await requestOf(url, auth)
  try {
    const { headers } = request
    // With a secret no redirect is followed: it belongs to this host and to no other.
    const response = await fetch(request.url, {
      headers,
      redirect: auth ? 'manual' : 'follow',
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (response.ok) return await readBody(response, where)
    const advice =
      response.status === 401 || response.status === 403
        ? ['--header X-Api-Key=env:NAME\tsends a secret that it may want']
        : []
    throw new CliError(
      response.status === 404 ? 'notFound' : 'failed',
      `${where} answered ${response.status}`,
      advice,
    )
  } catch (error) {
    throw failure(error, where)
  }
}
