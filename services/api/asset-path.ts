/**
 * Asset keys have slashes, and people type them as they are. `/assets/pims/prod/schedule/versions`
 * becomes `/assets/pims%2Fprod%2Fschedule/versions` before routing. A key whose end looks like one of
 * our paths (`a/content`) is reached by encoding it: a first part with `%2F` is the whole key.
 */
const prefix = '/api/v1/assets/'
const ending = /(\/versions(\/[^/]+(\/content|\/difference)?)?|\/content|\/fetch|\/why)\/?$/

export const encodeAssetPath = (url: string): string => {
  if (!url.startsWith(prefix)) return url
  const query = url.indexOf('?')
  const path = query < 0 ? url : url.slice(0, query)
  const rest = path.slice(prefix.length)
  const first = rest.split('/', 1)[0]!
  if (rest === first || /%2f/i.test(first)) return url
  const end = ending.exec(rest)?.[0] ?? ''
  const key = rest.slice(0, rest.length - end.length)
  if (key === '') return url
  return prefix + key.replaceAll('/', '%2F') + end + (query < 0 ? '' : url.slice(query))
}
