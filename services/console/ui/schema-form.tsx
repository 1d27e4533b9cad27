/** A form made from a JSON Schema; what it cannot draw is written as JSON. */
import { useState } from 'react'

type Schema = {
  readonly type?: string | readonly string[]
  readonly title?: string
  readonly description?: string
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly default?: unknown
}

const kindOf = (schema: Schema): string =>
  schema.enum ? 'enum' : typeof schema.type === 'string' ? schema.type : 'json'

type FieldProps = {
  readonly name: string
  readonly schema: Schema
  readonly isRequired: boolean
  readonly value: unknown
  readonly onChange: (value: unknown) => void
}
const Field = ({ name, schema, isRequired, value, onChange }: FieldProps) => {
  const label = (
    <span>
      {schema.title ?? name} {!isRequired && <span className="quiet">may be left out</span>}
      {schema.description && <span className="quiet"> {schema.description}</span>}
    </span>
  )
  switch (kindOf(schema)) {
    case 'boolean':
      return (
        <label className="field">
          <span>
            <input
              type="checkbox"
              checked={value === true}
              onChange={(event) => onChange(event.target.checked)}
            />{' '}
            {label}
          </span>
        </label>
      )
    case 'enum':
      return (
        <label className="field">
          {label}
          <select
            value={JSON.stringify(value)}
            required={isRequired}
            onChange={(event) => onChange(JSON.parse(event.target.value))}
          >
            {value === undefined && <option value="">choose…</option>}
            {schema.enum!.map((one) => (
              <option key={String(one)} value={JSON.stringify(one)}>
                {String(one)}
              </option>
            ))}
          </select>
        </label>
      )
    case 'number':
    case 'integer':
      return (
        <label className="field">
          {label}
          <input
            type="number"
            step={schema.type === 'integer' ? 1 : 'any'}
            required={isRequired}
            value={typeof value === 'number' ? value : ''}
            onChange={(event) =>
              onChange(event.target.value === '' ? undefined : Number(event.target.value))
            }
          />
        </label>
      )
    case 'string':
      return (
        <label className="field">
          {label}
          <input
            required={isRequired}
            value={typeof value === 'string' ? value : ''}
            onChange={(event) => onChange(event.target.value)}
          />
        </label>
      )
    default:
      return <JsonField label={label} onChange={onChange} />
  }
}

const JsonField = ({
  label,
  onChange,
}: {
  readonly label: React.ReactNode
  readonly onChange: (value: unknown) => void
}) => {
  const [text, setText] = useState('')
  return (
    <label className="field">
      <span>
        {label} <span className="quiet">as JSON</span>
      </span>
      <textarea
        rows={3}
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          try {
            event.target.setCustomValidity('')
            onChange(JSON.parse(event.target.value))
          } catch {
            event.target.setCustomValidity('this is not JSON yet')
          }
        }}
      />
    </label>
  )
}

type FormProps = {
  readonly schema: unknown
  readonly value: unknown
  readonly onChange: (value: unknown) => void
}
export const SchemaForm = ({ schema, value, onChange }: FormProps) => {
  const { type, properties, required = [] } = (schema ?? {}) as Schema
  if (type !== 'object' || !properties)
    return (
      <Field
        name="answer"
        schema={(schema ?? {}) as Schema}
        isRequired
        value={value}
        onChange={onChange}
      />
    )
  const object = (value ?? {}) as Record<string, unknown>
  const fields = Object.entries(properties).toSorted(
    ([a], [b]) => Number(required.includes(b)) - Number(required.includes(a)),
  )
  return fields.map(([name, one]) => (
    <Field
      key={name}
      name={name}
      schema={one}
      isRequired={required.includes(name)}
      value={object[name]}
      onChange={(next) => onChange({ ...object, [name]: next })}
    />
  ))
}
