/**
 * URLs of the config file: `${VAR:-default}` is replaced, and whatever would carry a secret is refused
 * with the way to write it instead, because the log keeps a definition for good. Nothing said here
 * quotes what it found.
 */

export type Environment = Readonly<Record<string, string | undefined>>

const variable = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g
const secretWord =
  /(^|[_.-])(key|token|secret|passw(or)?d|pwd|pass|auth|signature|sig|credentials?)$/
const secretHeaders = /^(authorization|proxy-authorization|cookie)$/

/** `apiKey`, `X-Api-Key`, `api_key`, `apikey`: whether a parameter or variable is named like a secret. */
export const soundsSecret = (name: string): boolean => {
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()
  return secretHeaders.test(words) || secretWord.test(words) || /(api|access)key$/.test(words)
}

/** `PIMS` for an environment variable's name: what a person would call it after the host. */
const variableFor = (url: URL): string =>
  `${url.hostname
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .replace(/^(?=\d)/, 'HOST_')
    .toUpperCase()}_TOKEN`

/** What is wrong with the URL as it will be fetched, one sentence each. */
export const urlProblems = (text: string): readonly string[] => {
  if (!URL.canParse(text)) return ['is no URL; it begins with http:// or https://']
  const url = new URL(text)
  const problems: string[] = []
  if (url.hostname === '') problems.push('names no host; it begins with http:// or https://')
  if (url.username || url.password)
    problems.push(
      'carries a user or password, and the log would keep it: take it out and write ' +
        `auth: { basic: { username: …, password: env:${variableFor(url)} } }`,
    )
  for (const name of new Set(url.searchParams.keys()))
    if (soundsSecret(name))
      problems.push(
        `has a query parameter ${name} that looks like a secret, and the log would keep it: take it ` +
          `out and write auth: { query: { name: ${name}, value: env:${variableFor(url)} } }`,
      )
  return problems
}

/** Replaces the variables of a URL. */
export const expandUrl = (
  text: string,
  env: Environment,
): { readonly url: string; readonly problems: readonly string[] } => {
  const problems: string[] = []
  const url = text.replaceAll(variable, (_, name: string, otherwise: string | undefined) => {
    if (soundsSecret(name))
      problems.push(
        `takes ${name} into the URL, and the log would keep it: write auth: with env:${name} instead`,
      )
    const value = env[name] || otherwise
    if (value !== undefined) return value
    problems.push(`uses ${name}, which is not set here; set it or write \${${name}:-default}`)
    return ''
  })
  if (url.includes('${')) problems.push('has a ${ that is not ${NAME} or ${NAME:-default}')
  return { url, problems: problems.length > 0 ? problems : urlProblems(url) }
}
