/** A value as people may see it, and the places that values are in. */
import { ofKind, useApi } from '../../api/cache.ts'
import { addressOf } from '../../api/client.ts'
import type { Shown } from '../../api/types.ts'
import { useQuery } from '../../router.tsx'

/** A secret is only known to be there, and to be another one. */
export const Value = ({ of }: { readonly of: Shown }) =>
  of === null ? (
    <span className="quiet">nothing</span>
  ) : 'secret' in of ? (
    <span title={`a secret; its keyed digest begins with ${of.secret}`}>
      <span aria-hidden="true">•••••• </span>
      <span className="quiet">secret {of.secret.slice(0, 4)}</span>
    </span>
  ) : (
    <code className="value">{of.value === '' ? '""' : of.value}</code>
  )

export const Commit = ({ of }: { readonly of: string }) => (
  <code className="nowrap" title={of}>
    {of.slice(0, 9)}
  </code>
)

export const configEvents = ofKind('source', 'rule', 'sink')

/** Every environment that a sink holds something for. */
export const useEnvironments = (): readonly string[] => {
  const { data } = useApi(addressOf('GET /api/v1/sinks', {}), configEvents)
  const named = (data ?? []).flatMap(({ environments }) => environments)
  return [...new Set(named.map(({ environment }) => environment))].toSorted()
}

type ChoiceProps = {
  readonly label: string
  readonly name: string
  readonly of: readonly string[]
  readonly all?: string
}
/** A choice that is in the address. */
export const Choice = ({ label, name, of, all }: ChoiceProps) => {
  const { query, set } = useQuery()
  return (
    <label>
      {label}
      <select
        value={query.get(name) ?? ''}
        onChange={({ target }) => set({ [name]: target.value })}
      >
        {all !== undefined && <option value="">{all}</option>}
        {of.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
    </label>
  )
}

type WordsProps = { readonly label: string; readonly name: string; readonly placeholder: string }
/** Words that are in the address once Enter is pressed or the field is left. */
export const Words = ({ label, name, placeholder }: WordsProps) => {
  const { query, set } = useQuery()
  const value = query.get(name) ?? ''
  const keep = ({ currentTarget }: { readonly currentTarget: HTMLInputElement }) =>
    set({ [name]: currentTarget.value.trim() })
  return (
    <label>
      {label}
      <input
        key={value}
        type="search"
        placeholder={placeholder}
        defaultValue={value}
        onBlur={keep}
        onKeyDown={(event) => event.key === 'Enter' && keep(event)}
      />
    </label>
  )
}
