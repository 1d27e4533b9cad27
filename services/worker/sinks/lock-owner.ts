/** Who holds a lock, as written into it: the process and its machine. */
import { hostname } from 'node:os'

export const lockOwner = (): string => `${process.pid} ${hostname()}`

/** True when it was a process of this machine and is no more; of other machines nobody knows. */
export const isOwnerGone = (owner: string): boolean => {
  const [pid, host] = owner.split(' ')
  return host === hostname() && !isAlive(Number(pid))
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
