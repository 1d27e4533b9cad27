/**
 * When each source was last looked at. The log is silent while nothing changes, so fetchers leave the
 * moment of each look in the live store. It is volatile: what is not there is not known, and what does
 * not answer at once is not waited for. Of an earlier state nothing is known.
 */
import type { Api } from './api.ts'
import { viewed } from './view.ts'

export type Check = { readonly at: number; readonly outcome: string }

const rememberedMs = 500
const waitMsMax = 300

type Remembered = { readonly readAt: number; readonly check: Check | null }

export class LiveChecks {
  readonly #api: Pick<Api, 'live' | 'tenant'>
  readonly #remembered = new Map<string, Remembered>()

  constructor(api: Pick<Api, 'live' | 'tenant'>) {
    this.#api = api
  }

  async of(assets: readonly string[]): Promise<ReadonlyMap<string, Check>> {
    if (viewed()) return new Map()
    const now = performance.now()
    for (const [asset, { readAt }] of this.#remembered)
      if (now - readAt > rememberedMs) this.#remembered.delete(asset)
    const missing = assets.filter((asset) => !this.#remembered.has(asset))
    if (missing.length > 0) await this.#read(missing, now)
    return new Map(
      assets.flatMap((asset) => {
        const check = this.#remembered.get(asset)?.check
        return check ? [[asset, check] as const] : []
      }),
    )
  }

  async #read(assets: readonly string[], readAt: number): Promise<void> {
    const { live, tenant } = this.#api
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), waitMsMax)
    })
    const ask = async (asset: string) => {
      const found = await Promise.race([live.get(`fetch/${tenant}/${asset}`), late]).catch(
        () => null,
      )
      this.#remembered.set(asset, { readAt, check: found && parse(found.value) })
    }
    await Promise.all(assets.map(ask))
    clearTimeout(timer)
  }
}

const parse = (value: string): Check | null => {
  try {
    const { at, outcome } = JSON.parse(value) as Partial<Check>
    return typeof at === 'number' && typeof outcome === 'string' ? { at, outcome } : null
  } catch {
    return null
  }
}
