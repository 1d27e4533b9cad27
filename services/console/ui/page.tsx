/** The parts that every screen is made of. */
import { useEffect, useState, type ReactNode } from 'react'
import type { Result } from '../api/cache.ts'
import type { ApiProblem } from '../api/client.ts'
import { Link, useAsOf, useQuery } from '../router.tsx'
import { LookBack, Past } from './past.tsx'

export const useTitle = (title: string): void => {
  useEffect(() => {
    document.title = `${title} · Headway`
  }, [title])
}

type PageProps = {
  readonly title: ReactNode
  readonly tab?: string
  readonly back?: { readonly to: string; readonly label: string }
  readonly beside?: ReactNode
  readonly actions?: ReactNode
  readonly children: ReactNode
}
export const Page = ({ title, tab, back, beside, actions, children }: PageProps) => {
  useTitle(tab ?? (typeof title === 'string' ? title : 'Headway'))
  const isNow = useAsOf() === null
  return (
    <>
      {!isNow && <Past />}
      <header className="page-head">
        <div className="page-title">
          {back && (
            <Link to={back.to} className="back">
              <span aria-hidden="true">‹ </span>
              {back.label}
            </Link>
          )}
          <h1>{title}</h1>
          {beside && <div className="beside">{beside}</div>}
        </div>
        {isNow && (
          <div className="actions">
            {actions}
            <LookBack />
          </div>
        )}
      </header>
      {children}
    </>
  )
}

type CardProps = {
  readonly title?: ReactNode
  readonly beside?: ReactNode
  readonly children: ReactNode
  readonly className?: string
}
export const Card = ({ title, beside, children, className = '' }: CardProps) => (
  <section className={`card ${className}`}>
    {title !== undefined && (
      <div className="card-head">
        <h2>{title}</h2>
        {beside}
      </div>
    )}
    {children}
  </section>
)

export const Empty = ({
  title,
  children,
}: {
  readonly title: string
  readonly children?: ReactNode
}) => (
  <div className="empty">
    <p className="empty-title">{title}</p>
    {children && <div className="quiet">{children}</div>}
  </div>
)

export const ProblemBox = ({ problem }: { readonly problem: ApiProblem }) => (
  <div className="problem" role="alert">
    <strong>
      <span aria-hidden="true">✕ </span>
      {problem.status === 404 ? 'There is no such thing' : 'That did not work'}
    </strong>
    <p>{problem.message}</p>
    <p className="quiet">
      <code>{problem.code}</code>
      {problem.status === 401 && ' – sign in, then load this page again: the API page tells how'}
    </p>
  </div>
)

/** What was asked for, or that it is on its way, or why it does not come. */
export const Loaded = <T,>({
  result,
  children,
}: {
  readonly result: Result<T>
  readonly children: (data: T) => ReactNode
}) => {
  const { data, error } = result
  if (data === null) return error ? <ProblemBox problem={error} /> : <Skeleton />
  return (
    <>
      {error && <ProblemBox problem={error} />}
      {children(data)}
    </>
  )
}

const Skeleton = () => (
  <div className="skeleton" aria-label="loading" role="status">
    <i />
    <i />
    <i />
  </div>
)

export type Tab = { readonly id: string; readonly label: ReactNode; readonly body: () => ReactNode }
/** Tabs whose choice is in the address. */
export const Tabs = ({
  tabs,
  name = 'tab',
}: {
  readonly tabs: readonly Tab[]
  readonly name?: string
}) => {
  const { query, set } = useQuery()
  const chosen = tabs.find(({ id }) => id === query.get(name)) ?? tabs[0]!
  return (
    <>
      <div className="tabs" role="tablist">
        {tabs.map(({ id, label }) => (
          <button
            key={id}
            id={`${name}-${id}`}
            role="tab"
            type="button"
            aria-selected={id === chosen.id}
            tabIndex={id === chosen.id ? 0 : -1}
            onClick={() => set({ [name]: id === tabs[0]!.id ? null : id })}
            onKeyDown={(event) => {
              const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
              if (!step) return
              const next = tabs[(tabs.indexOf(chosen) + step + tabs.length) % tabs.length]!
              set({ [name]: next.id === tabs[0]!.id ? null : next.id })
              document.getElementById(`${name}-${next.id}`)?.focus()
            }}
          >
            {label}
          </button>
        ))}
      </div>
      <div role="tabpanel" aria-labelledby={`${name}-${chosen.id}`}>
        {chosen.body()}
      </div>
    </>
  )
}

export const Facts = ({ facts }: { readonly facts: readonly (readonly [string, ReactNode])[] }) => (
  <dl className="facts">
    {facts.map(([name, value]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
)

export const Copy = ({
  text,
  label = 'Copy',
}: {
  readonly text: string
  readonly label?: string
}) => {
  const [copied, setCopied] = useState(false)
  return (
    <button
      type="button"
      className="small"
      title={text}
      onClick={() => {
        void navigator.clipboard.writeText(text).then(() => {
          setCopied(true)
          setTimeout(() => setCopied(false), 1_500)
        })
      }}
    >
      {copied ? '✓ Copied' : label}
    </button>
  )
}

/** The id's end tells runs of one second apart; the whole one is on hover. */
export const Id = ({ of }: { readonly of: string }) => (
  <code className="nowrap" title={of}>
    {of.length > 14 ? `…${of.slice(-8)}` : of}
  </code>
)
