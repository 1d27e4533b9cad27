/** Where people have to say who they are: a token is handed in once, and a cookie stands for it then. */
import { Client } from '@headway/client/client.ts'
import { useState } from 'react'
import { never, useApi } from './api/cache.ts'
import { addressOf, client, type ApiProblem } from './api/client.ts'
import type { Session } from './api/types.ts'
import { Card, Page, ProblemBox } from './ui/page.tsx'

export const useSession = () => useApi(addressOf('GET /api/v1/session', {}), never)

const begin = async (token: string): Promise<void> => {
  await new Client('', { token: token.trim() }).ask('POST /api/v1/session', {})
  location.reload()
}

export const SignIn = () => {
  const [token, setToken] = useState('')
  const [problem, setProblem] = useState<ApiProblem | null>(null)
  return (
    <Page title="Sign in">
      <Card>
        <form
          className="card-body"
          onSubmit={(event) => {
            event.preventDefault()
            begin(token).catch((error: ApiProblem) => setProblem(error))
          }}
        >
          <p>Hand in your token once; this browser is known until it expires.</p>
          <label className="field">
            Token
            <input
              type="password"
              autoComplete="current-password"
              required
              value={token}
              onChange={(event) => setToken(event.target.value)}
            />
          </label>
          {problem && <ProblemBox problem={problem} />}
          <p className="dialog-foot">
            <button type="submit" className="primary">
              Sign in
            </button>
          </p>
        </form>
      </Card>
    </Page>
  )
}

export const Who = ({ session: { name, role, required } }: { readonly session: Session }) => {
  if (!required) return null
  const leave = async () => {
    await client.ask('DELETE /api/v1/session', {})
    location.reload()
  }
  return (
    <span>
      {name}, {role}{' '}
      <button type="button" className="plain" onClick={() => void leave()}>
        Sign out
      </button>
    </span>
  )
}
