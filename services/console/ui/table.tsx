/** Tables whose rows are links: j and k move, Enter opens. On a phone a row becomes a card. */
import type { ReactNode } from 'react'
import { navigate } from '../router.tsx'

export type Column<R> = {
  readonly name: string
  readonly cell: (row: R) => ReactNode
  readonly className?: string
}

type TableProps<R> = {
  readonly label: string
  readonly columns: readonly Column<R>[]
  readonly rows: readonly R[]
  readonly keyOf: (row: R) => string
  readonly to?: (row: R) => string
  readonly chosen?: ReadonlySet<string>
  readonly onChoose?: (keys: ReadonlySet<string>) => void
}

export const Table = <R,>({ label, columns, rows, keyOf, to, chosen, onChoose }: TableProps<R>) => {
  const toggle = (key: string) => {
    const changed = new Set(chosen)
    if (!changed.delete(key)) changed.add(key)
    onChoose?.(changed)
  }
  const all = rows.length > 0 && rows.every((row) => chosen?.has(keyOf(row)))
  return (
    <div className="table-frame" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {onChoose && (
              <th className="choose">
                <input
                  type="checkbox"
                  aria-label="choose all rows"
                  checked={all}
                  onChange={() => onChoose(new Set(all ? [] : rows.map(keyOf)))}
                />
              </th>
            )}
            {columns.map(({ name, className }) => (
              <th key={name} className={className} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr
              key={keyOf(row)}
              data-row={to?.(row)}
              onClick={(event) => {
                if (!to || (event.target as HTMLElement).closest('a, button, input, label')) return
                if (getSelection()?.toString()) return
                navigate(to(row))
              }}
            >
              {onChoose && (
                <td className="choose">
                  <input
                    type="checkbox"
                    aria-label={`choose ${keyOf(row)}`}
                    checked={chosen?.has(keyOf(row)) ?? false}
                    onChange={() => toggle(keyOf(row))}
                  />
                </td>
              )}
              {columns.map(({ name, cell, className }) => (
                <td key={name} data-name={name} className={className}>
                  <div className="cell">{cell(row)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

export const More = ({ load }: { readonly load: () => Promise<void> }) => (
  <p className="more">
    <button type="button" onClick={() => void load()}>
      Show older ones
    </button>
  </p>
)
