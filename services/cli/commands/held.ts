/** How the command line shows what a key of a sink holds. */
const valueMax = 60

const visible = (character: string): string => JSON.stringify(character).slice(1, -1)

/** On one line; a secret by how its digest begins; nothing as a dash. */
export const valueOf = (held: unknown): string => {
  if (held === null || held === undefined) return '-'
  const { value, secret } = held as { value?: string; secret?: string }
  const text = secret === undefined ? (value ?? '') : `secret ${secret}`
  const line = text.replaceAll(/\p{Cc}/gu, visible)
  return line.length > valueMax ? `${line.slice(0, valueMax - 1)}…` : line
}
