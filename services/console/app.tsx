/** The frame around every screen: the menu with what needs somebody, the state of the connection. */
import { Component, useEffect, useRef, type ReactNode } from 'react'
import { ofKind, useApi, useLiveState } from './api/cache.ts'
import { addressOf } from './api/client.ts'
import type { Session } from './api/types.ts'
import { Keyboard } from './keyboard.tsx'
import { openPalette, Palette } from './palette.tsx'
import { Link, usePath } from './router.tsx'
import { menu, screens } from './screens/index.tsx'
import { SignIn, useSession, Who } from './sign-in.tsx'
import { ThemeButton } from './theme.tsx'
import { Asking } from './ui/ask.tsx'
import { Empty, Page } from './ui/page.tsx'
import { Toasts } from './ui/toast.tsx'

class Boundary extends Component<{ readonly children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null }
  static getDerivedStateFromError(error: Error) {
    return { error }
  }
  override render() {
    const { error } = this.state
    if (!error) return this.props.children
    return (
      <Page title="This screen broke">
        <div className="problem" role="alert">
          <strong>{error.message}</strong>
          <p>
            Nothing happened to your data. Load the page again; if it breaks again, report this:
          </p>
          <pre className="log">{error.stack}</pre>
        </div>
      </Page>
    )
  }
}

const Live = () => {
  const state = useLiveState()
  const words = {
    live: ['good', '●', 'live'],
    connecting: ['wait', '◌', 'connecting'],
    lost: ['bad', '✕', 'reconnecting'],
  }
  const [tone, sign, word] = words[state]
  return (
    <span className={`state ${tone}`} role="status">
      <span aria-hidden="true" className="sign">
        {sign}
      </span>
      {word}
    </span>
  )
}

type MenuProps = { readonly path: string; readonly session: Session | null }
const Menu = ({ path, session }: MenuProps) => {
  const { data } = useApi(
    addressOf('GET /api/v1/status', {}),
    ofKind('run', 'pipeline', 'interaction', 'worker'),
  )
  const counts: Readonly<Record<string, number | undefined>> = {
    '/dead-letters': data ? (data.runs.deadLettered ?? 0) + (data.runs.failed ?? 0) : 0,
    '/approvals': data?.openQuestions,
    '/assets': data?.troubledAssets,
  }
  const box = useRef<HTMLDetailsElement>(null)
  useEffect(() => {
    if (matchMedia('(max-width: 60rem)').matches) box.current?.removeAttribute('open')
  }, [path])
  return (
    <details className="menu" ref={box} open>
      <summary>
        <span aria-hidden="true">☰</span> Menu
      </summary>
      <button type="button" className="palette-open" onClick={openPalette}>
        Go to… <kbd>{/Mac|iP/.test(navigator.userAgent) ? '⌘K' : 'Ctrl K'}</kbd>
      </button>
      <nav aria-label="screens">
        {menu.map(({ to, label, sign }) => {
          const isHere = to === '/' ? path === '/' : path.startsWith(to)
          return (
            <Link key={to} to={to} aria-current={isHere ? 'page' : undefined}>
              <span aria-hidden="true" className="menu-sign">
                {sign}
              </span>
              {label}
              {counts[to] ? (
                <span className="count" title="these need somebody">
                  {counts[to]}
                </span>
              ) : null}
            </Link>
          )
        })}
      </nav>
      <div className="menu-foot">
        <Live />
        <ThemeButton />
        {session && <Who session={session} />}
        <a href="/docs">API</a>
      </div>
    </details>
  )
}

export const App = () => {
  const path = usePath()
  const at = path.length > 1 ? path.replace(/\/$/, '') : path
  const session = useSession()
  const mustSignIn = session.error?.status === 401
  const screen = screens.find((one) => one.path.test(at))
  return (
    <div className="frame">
      <a className="skip" href="#main">
        Skip to content
      </a>
      <aside>
        <Link to="/" className="brand">
          <span aria-hidden="true" className="mark">
            H
          </span>
          Headway
        </Link>
        {!mustSignIn && <Menu path={at} session={session.data} />}
      </aside>
      <main id="main" tabIndex={-1}>
        <Boundary key={at}>
          {mustSignIn ? (
            <SignIn />
          ) : screen ? (
            screen.show(screen.path.exec(at)?.[1] ?? '')
          ) : (
            <Page title="Nothing here">
              <Empty title={`There is no screen at ${at}`}>
                <Link to="/">Go to the overview</Link>
              </Empty>
            </Page>
          )}
        </Boundary>
      </main>
      <Asking />
      <Keyboard />
      <Palette />
      <Toasts />
    </div>
  )
}
