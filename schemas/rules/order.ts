/**
 * Whether what was pushed may take the place of what a target has. Webhooks come late, twice and in any
 * order, and a force push makes the older commit the right one: so what counts is what the remote's ref
 * says now, then the order of commits, and only where commits know no order (another ref, another line)
 * the order in which the log took the pushes.
 */
export type Standing = {
  readonly commit: string
  readonly ref: string
  /** What the ref names now; null when it is gone. */
  readonly tip: string | null
  /** The commit of the target's newest version, and the ref that it came by. */
  readonly last: { readonly commit: string; readonly ref: string } | null
  /** The log took this push after the one that made the newest version. */
  readonly isLater: boolean
}

/** Who is whose ancestor; asked only where it matters. A commit is no ancestor of itself. */
export type IsAncestor = (ancestor: string, descendant: string) => Promise<boolean>

export type Verdict =
  | { readonly outcome: 'newer' }
  | { readonly outcome: 'older'; readonly reason: string }

const newer: Verdict = { outcome: 'newer' }
const older = (reason: string): Verdict => ({ outcome: 'older', reason })
const short = (commit: string): string => commit.slice(0, 12)

export const verdictOf = async (pushed: Standing, isAncestor: IsAncestor): Promise<Verdict> => {
  const { commit, ref, tip, last, isLater } = pushed
  if (last?.commit === commit) return newer
  if (tip === null) return older(`${ref} is not there any more`)
  const byLog = () => (isLater ? newer : older(`a later push of ${last!.ref} is there already`))
  if (commit !== tip && !(await isAncestor(commit, tip)))
    return older(`${ref} was moved away from it and names ${short(tip)} now`)
  if (!last) return newer
  if (last.ref !== ref) return byLog()
  if (commit === tip) return newer
  if (await isAncestor(commit, last.commit))
    return older(`${short(last.commit)} comes after it and is there already`)
  if (await isAncestor(last.commit, commit)) return newer
  const isLastKept = last.commit === tip || (await isAncestor(last.commit, tip))
  return isLastKept ? byLog() : newer
}
