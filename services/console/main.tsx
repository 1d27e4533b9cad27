/** The console: one page that follows the log. */
import { createRoot } from 'react-dom/client'
import { startLive } from './api/live.ts'
import { App } from './app.tsx'
import { applyTheme } from './theme.tsx'

applyTheme()
startLive()
createRoot(document.getElementById('root')!).render(<App />)
