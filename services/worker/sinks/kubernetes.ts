/**
 * How to reach a Kubernetes API server, and as whom: what the sink says, a kubeconfig, or the service
 * account of the pod we run in. Programs that a kubeconfig would have us start (`exec`) are refused: what
 * starts programs is said in Headway's own configuration or not at all.
 */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Dispatcher } from 'undici'
import { SinkError } from './sink.ts'

export type ClusterOptions = {
  readonly server?: string
  readonly token?: string
  /** A file with the certificates that the server's must descend from. */
  readonly certificateAuthority?: string
  readonly kubeconfig?: string
  readonly context?: string
}

export type Cluster = {
  readonly server: string
  readonly headers: Readonly<Record<string, string>>
  readonly dispatcher: Dispatcher
  /** The namespace that kubeconfig or pod say. */
  readonly namespace: string | undefined
}

type Access = {
  readonly server: string
  readonly token?: string | undefined
  readonly namespace?: string | undefined
  readonly tls: { ca?: string; cert?: string; key?: string; rejectUnauthorized?: boolean }
}

export const openCluster = async (options: ClusterOptions): Promise<Cluster> => {
  const { Agent } = await import('undici')
  const { server, token, namespace, tls } = await accessOf(options)
  return {
    server: server.replace(/\/+$/, ''),
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    dispatcher: new Agent({ connect: tls, connections: 4 }),
    namespace,
  }
}

const accessOf = async (options: ClusterOptions): Promise<Access> => {
  if (options.kubeconfig !== undefined) return inKubeconfig(options.kubeconfig, options.context)
  if (options.server === undefined) return inPod()
  const ca = options.certificateAuthority
  return {
    server: options.server,
    token: options.token,
    tls: ca === undefined ? {} : { ca: await textOf(ca) },
  }
}

const podFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

const inPod = async (): Promise<Access> => {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = process.env
  if (host === undefined) {
    throw unusable('say `server` or `kubeconfig`; we do not run inside a cluster')
  }
  const [token, ca, namespace] = await Promise.all(
    ['token', 'ca.crt', 'namespace'].map((name) => textOf(`${podFolder}/${name}`)),
  )
  const literal = host.includes(':') ? `[${host}]` : host
  return {
    server: `https://${literal}:${port}`,
    token: token!.trim(),
    namespace: namespace!.trim(),
    tls: { ca: ca! },
  }
}

type Named<K extends string, T> = { readonly name: string } & { readonly [key in K]: T }
type Kubeconfig = {
  readonly 'current-context'?: string
  readonly contexts?: readonly Named<
    'context',
    { cluster: string; user: string; namespace?: string }
  >[]
  readonly clusters?: readonly Named<'cluster', Record<string, string | boolean>>[]
  readonly users?: readonly Named<'user', Record<string, unknown>>[]
}

const inKubeconfig = async (path: string, wanted: string | undefined): Promise<Access> => {
  const { parse } = await import('yaml')
  const config = parse(await textOf(path)) as Kubeconfig
  const name = wanted ?? config['current-context']
  const context = config.contexts?.find((one) => one.name === name)?.context
  const cluster = config.clusters?.find((one) => one.name === context?.cluster)?.cluster
  const user = config.users?.find((one) => one.name === context?.user)?.user ?? {}
  if (!context || typeof cluster?.['server'] !== 'string') {
    throw unusable(`${path} has no context ${name ?? '(none is current)'} with a server`)
  }
  if (user['exec'] || user['auth-provider']) {
    throw unusable(`${path} would start a program to log in; use a token or a certificate`)
  }
  const near = (file: unknown) => textOf(resolve(dirname(path), String(file)))
  /** Written into the file, or in a file beside it. */
  const either = async (from: Readonly<Record<string, unknown>>, field: string) => {
    const inline = from[`${field}-data`]
    if (typeof inline === 'string') return Buffer.from(inline, 'base64').toString()
    return from[field] === undefined ? undefined : near(from[field])
  }
  const [ca, cert, key] = await Promise.all([
    either(cluster, 'certificate-authority'),
    either(user, 'client-certificate'),
    either(user, 'client-key'),
  ])
  const tokenFile = user['tokenFile']
  return {
    server: cluster['server'],
    token: tokenFile === undefined ? (user['token'] as string) : (await near(tokenFile)).trim(),
    namespace: context.namespace,
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(cluster['insecure-skip-tls-verify'] === true ? { rejectUnauthorized: false } : {}),
    },
  }
}

const unusable = (why: string) => new SinkError(`configmap: ${why}`, { retryable: false })

const textOf = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw unusable(`${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
}
