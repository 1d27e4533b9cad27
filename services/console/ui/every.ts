/** Again from time to time, for what no event of the log tells; never while nobody looks. */
import { useEffect, useRef } from 'react'

export const useEvery = (ms: number, act: () => void): void => {
  const newest = useRef(act)
  newest.current = act
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) newest.current()
    }, ms)
    return () => clearInterval(timer)
  }, [ms])
}
