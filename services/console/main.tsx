/** The console: one page that follows the log. */
import { createRoot } from 'react-dom/client'
import { startLive } from './api/live.ts'
import { App } from './app.tsx'
import { applyTheme } from './theme.tsx'

applyTheme()
createRoot(document.getElementById('root')!).render(<App />)
// What is on the screen is asked for first.
requestAnimationFrame(() => setTimeout(startLive))
