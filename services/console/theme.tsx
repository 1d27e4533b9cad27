/** Dark, light, or as the system has it; remembered by this browser. */
import { useState } from 'react'

const themes = ['system', 'light', 'dark'] as const
type Theme = (typeof themes)[number]
const key = 'headway.theme'

const chosen = (): Theme => {
  const kept = localStorage.getItem(key) as Theme | null
  return kept !== null && themes.includes(kept) ? kept : 'system'
}
export const applyTheme = (theme = chosen()): void => {
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
}

const signs = { system: '◑', light: '☀', dark: '☾' }
export const ThemeButton = () => {
  const [theme, setTheme] = useState(chosen)
  const next = themes[(themes.indexOf(theme) + 1) % themes.length]!
  return (
    <button
      type="button"
      className="plain"
      aria-label={`colours: ${theme}; change to ${next}`}
      onClick={() => {
        localStorage.setItem(key, next)
        applyTheme(next)
        setTheme(next)
      }}
    >
      <span aria-hidden="true">{signs[theme]}</span> {theme === 'system' ? 'auto' : theme}
    </button>
  )
}
