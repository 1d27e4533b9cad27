/** A search field whose words are in the address, a moment after the last key. */
import { useEffect, useRef, useState } from 'react'
import { useQuery } from '../router.tsx'

const restMs = 250

export const Search = ({ placeholder }: { readonly placeholder: string }) => {
  const { query, set } = useQuery()
  const q = query.get('q') ?? ''
  const [text, setText] = useState(q)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  // Back, forward and saved filters change the address, and with it what is written here.
  useEffect(() => {
    setText(q)
    return () => clearTimeout(timer.current)
  }, [q])
  return (
    <label>
      Search
      <input
        type="search"
        value={text}
        placeholder={`${placeholder}   /`}
        maxLength={200}
        onChange={({ target: { value } }) => {
          setText(value)
          clearTimeout(timer.current)
          timer.current = setTimeout(() => set({ q: value.trim() }), restMs)
        }}
      />
    </label>
  )
}
