/** Completion for shells, made of the commands themselves: nothing to keep in step by hand. */
import { CliError } from '../errors.ts'
import { print } from '../terminal.ts'
import type { Invocation } from './entry.ts'
import { commands, groups, launched } from './index.ts'

type Word = { readonly name: string; readonly summary: string; readonly flags: readonly string[] }

const flagsOf = (options: readonly (readonly [string, ...unknown[]])[] = []): readonly string[] =>
  options.flatMap(([flags]) => flags.match(/--[a-z-]+/g) ?? [])

/** First words, and what may follow each of them. */
const tree = (): ReadonlyMap<string, Word & { readonly next: readonly Word[] }> => {
  const found = new Map<string, Word & { next: Word[] }>()
  for (const [name, summary] of launched) found.set(name, { name, summary, flags: [], next: [] })
  for (const { usage, summary, options } of commands) {
    const [first = '', second = ''] = usage.split(' ')
    const flags = flagsOf(options)
    const group = groups[first]
    if (group === undefined) {
      found.set(first, { name: first, summary, flags, next: [] })
      continue
    }
    const entry = found.get(first) ?? { name: first, summary: group, flags: [], next: [] }
    entry.next.push({ name: second, summary, flags })
    found.set(first, entry)
  }
  return found
}

const wordsAfter = ({ flags, next }: { flags: readonly string[]; next: readonly Word[] }) =>
  [...next.map(({ name }) => name), ...flags].join(' ')

const bash = (): string => {
  const all = [...tree().values()]
  const cases = all.flatMap((word) => [
    `    ${word.name}) words="${wordsAfter(word)}" ;;`,
    ...word.next.map(
      (next) => `    "${word.name} ${next.name}") words="${next.flags.join(' ')}" ;;`,
    ),
  ])
  return `_headway() {
  local words cur="\${COMP_WORDS[COMP_CWORD]}" path="\${COMP_WORDS[1]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${all.map(({ name }) => name).join(' ')}" -- "$cur"))
    return
  fi
  case "$path" in
${Object.keys(groups)
  .map((name) => `    ${name}) [ "$COMP_CWORD" -gt 2 ] && path="$path \${COMP_WORDS[2]}" ;;`)
  .join('\n')}
  esac
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _headway headway`
}

const zsh = (): string => `#compdef headway
autoload -U +X bashcompinit && bashcompinit
${bash()}`

const quoted = (text: string): string => `'${text.replaceAll("'", "\\'")}'`

const fish = (): string =>
  [...tree().values()]
    .flatMap(({ name, summary, flags, next }) => [
      `complete -c headway -f -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
      ...next.map(
        (one) =>
          `complete -c headway -f -n '__fish_seen_subcommand_from ${name}' ` +
          `-a ${one.name} -d ${quoted(one.summary)}`,
      ),
      ...[...flags, ...next.flatMap((one) => one.flags)].map(
        (flag) =>
          `complete -c headway -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)}`,
      ),
    ])
    .join('\n')

const shells: Readonly<Record<string, () => string>> = { bash, zsh, fish }

export const run = async ({ args }: Invocation): Promise<void> => {
  const write = shells[args[0] ?? '']
  if (!write) throw new CliError('usage', 'completion is for bash, zsh or fish')
  print(write())
}
