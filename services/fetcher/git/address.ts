/**
 * Where a repository is, and whether we may go there. The host is the one of the source's own address
 * and nothing in a push can change it; unless the source allows private hosts, every address that the
 * name leads to must be a public one, and git is pinned to the addresses that were looked at.
 */
import { lookup } from 'node:dns/promises'
import { realpath } from 'node:fs/promises'
import { BlockList, isIP } from 'node:net'
import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GitError } from './error.ts'

/** A repository of a source, as the push names it. */
export type Place = {
  readonly tenant: string
  readonly source: string
  readonly platform: string
  readonly url: string
  readonly token?: string | undefined
  readonly allowPrivateHosts?: boolean | undefined
  readonly repository: string
}

export type Address = {
  readonly url: string
  readonly protocol: 'file' | 'http' | 'https'
  /** `host:port:address,…`, for git to go nowhere else. */
  readonly pin?: string
}

export type Lookup = (host: string) => Promise<readonly string[]>

const segmentPattern = /^[A-Za-z0-9_~][A-Za-z0-9_.~-]*$/
const segmentsMax = 20
const refPattern = /^refs\/[A-Za-z0-9_][^\p{Control}\s~^:?*[\\]*$/u
const commitPattern = /^[0-9a-f]{40}([0-9a-f]{24})?$/

const refused = (why: string): GitError => new GitError('address_refused', why, false)

const privateHosts = new BlockList()
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  privateHosts.addSubnet(net, prefix, 'ipv4')
for (const [net, prefix] of [
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  privateHosts.addSubnet(net, prefix, 'ipv6')

/** Private, loopback, link-local, reserved, or a form of IPv6 that carries an IPv4 address. */
export const isPrivate = (address: string): boolean =>
  privateHosts.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

export const lookupAll: Lookup = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address)

/** Throws when a repository's name could lead anywhere but below its source. */
export const checkRepository = (repository: string): void => {
  const segments = repository.split('/')
  const isGood =
    segments.length <= segmentsMax &&
    segments.every((segment) => segmentPattern.test(segment) && !segment.endsWith('.git'))
  if (!isGood) throw refused('the name of the repository is none that a source can have')
}

/** Throws when a ref or a commit is not plainly one. */
export const checkTarget = (ref: string, commit: string | undefined): void => {
  const isRef =
    refPattern.test(ref) &&
    !/\.\.|@\{|\/\/|\.lock(\/|$)|[./]$|\/[.-]/.test(ref) &&
    ref.length <= 1_000
  if (!isRef) throw refused('the ref is none that git knows')
  if (commit !== undefined && !commitPattern.test(commit))
    throw refused('the commit is not named by its full hash')
}

const fileAddress = async (
  base: URL,
  { repository, allowPrivateHosts }: Place,
): Promise<Address> => {
  if (!allowPrivateHosts) throw refused('a file: address needs allowPrivateHosts: true')
  const [root, path] = await Promise.all([
    realpath(fileURLToPath(base)),
    realpath(fileURLToPath(`${base.href.replace(/\/$/, '')}/${repository}.git`)),
  ]).catch(() => {
    throw new GitError('not_found', `there is no repository ${repository} below the source`, false)
  })
  if (!path.startsWith(root.endsWith(sep) ? root : root + sep))
    throw refused('the repository lies outside of the source')
  return { url: `file://${path}`, protocol: 'file' }
}

/** The pin of a host that may be visited. */
const pinOf = async (base: URL, lookupHost: Lookup): Promise<string> => {
  const host = base.hostname.replace(/^\[|\]$/g, '')
  const addresses = isIP(host)
    ? [host]
    : await lookupHost(host).catch(() => {
        throw new GitError('unreachable', `the host ${host} is not known`, true)
      })
  if (addresses.length === 0 || addresses.some(isPrivate))
    throw refused(`the host ${host} is a private one; allowPrivateHosts: true lets it be visited`)
  const port = base.port || (base.protocol === 'https:' ? '443' : '80')
  return `${host}:${port}:${addresses.join(',')}`
}

/** The address of a repository; throws when it must not be visited. */
export const addressOf = async (place: Place, lookupHost: Lookup = lookupAll): Promise<Address> => {
  checkRepository(place.repository)
  if (!URL.canParse(place.url)) throw refused('the url of the source cannot be read')
  const base = new URL(place.url)
  if (base.username || base.password || base.search || base.hash)
    throw refused('the url of the source holds more than an address')
  if (base.protocol === 'file:') return fileAddress(base, place)
  if (base.protocol !== 'https:' && base.protocol !== 'http:')
    throw refused('the url of the source is neither https, http nor file')
  const url = new URL(`${base.href.replace(/\/$/, '')}/${place.repository}.git`)
  if (url.host !== base.host) throw refused('the repository lies on another host than its source')
  const protocol = base.protocol === 'https:' ? 'https' : 'http'
  if (place.allowPrivateHosts) return { url: url.href, protocol }
  return { url: url.href, protocol, pin: await pinOf(base, lookupHost) }
}
