/** The address is the view: paths name things, the query holds filters, the tab and the selection. */
import { useSyncExternalStore, type ComponentProps, type MouseEvent } from 'react'

const listeners = new Set<() => void>()
const tell = (): void => {
  for (const listener of listeners) listener()
}
window.addEventListener('popstate', tell)

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** The commit or time that is looked at instead of now; it stays on from screen to screen. */
export const asOf = (): string | null => new URLSearchParams(location.search).get('asOf')
export const useAsOf = (): string | null => useSyncExternalStore(subscribe, asOf)

const staying = (to: string): string => {
  const at = asOf()
  if (at === null || /[?&]asOf=/.test(to)) return to
  return `${to}${to.includes('?') ? '&' : '?'}asOf=${encodeURIComponent(at)}`
}

export const navigate = (to: string, { replace = false } = {}): void => go(staying(to), replace)

const go = (to: string, replace: boolean): void => {
  if (to === location.pathname + location.search) return
  history[replace ? 'replaceState' : 'pushState'](null, '', to)
  tell()
  if (!replace) window.scrollTo(0, 0)
}

export const usePath = (): string =>
  useSyncExternalStore(subscribe, () => decodeURI(location.pathname))

export const useQuery = () => {
  const search = useSyncExternalStore(subscribe, () => location.search)
  const query = new URLSearchParams(search)
  const set = (changes: Readonly<Record<string, string | null>>, replace = true): void => {
    const changed = new URLSearchParams(location.search)
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === '') changed.delete(name)
      else changed.set(name, value)
    }
    const text = changed.toString()
    go(location.pathname + (text ? `?${text}` : ''), replace)
  }
  return { query, set }
}

type LinkProps = ComponentProps<'a'> & { readonly to: string }
export const Link = ({ to, onClick, ...rest }: LinkProps) => {
  useAsOf()
  return (
    <a
      href={staying(to)}
      onClick={(event: MouseEvent<HTMLAnchorElement>) => {
        onClick?.(event)
        if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey) return
        event.preventDefault()
        navigate(to)
      }}
      {...rest}
    />
  )
}

/** Where a thing is shown; what the API calls it becomes where the console shows it. */
export const paths = {
  run: (id: string) => `/runs/${id}`,
  asset: (key: string) => `/assets/${key}`,
  version: (key: string, version: string) => `/assets/${key}?version=${version}`,
  pipeline: (id: string) => `/pipelines/${id}`,
  commit: (seq: number) => `/events?seq=${seq}`,
}

export const pathOfHref = (href: string): string | null => {
  const path = href.replace(/^\/api\/v1/, '').split('?')[0]!
  const version = /^\/assets\/(.+)\/versions\/([^/]+)/.exec(path)
  if (version) return paths.version(decodeURIComponent(version[1]!), version[2]!)
  const known = /^\/(runs|pipelines|assets)\/(.+?)(\/(why|window|content))?$/.exec(path)
  if (known) return `/${known[1]}/${decodeURIComponent(known[2]!)}`
  if (path.startsWith('/interactions')) return '/approvals'
  if (path.startsWith('/dead-letters')) return '/dead-letters'
  return null
}
