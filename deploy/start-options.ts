import { parseArgs } from 'node:util'

export type StartOptions = {
  readonly config: string
  readonly portBase: string | undefined
  readonly ephemeral: boolean
  readonly quiet: boolean
  readonly json: boolean
  readonly pipelines: string | undefined
}

const help = `
  npm start -- [options]         brings everything up and works on the feeds of headway.yaml

  --config FILE     another configuration than ./headway.yaml
  --port-base N     API on N, NATS on N+1, Postgres on N+2, demo agency on N+10
  --pipelines DIR   another folder of pipelines than deploy/pipelines
  --ephemeral       forget everything at the end
  --json            one JSON line when ready, one per event
  --quiet           errors only

  HEADWAY_NATS_URL, HEADWAY_PG_URL   use servers that run already
  HEADWAY_PORT_BASE                  the same as --port-base
`

/** What was asked for; null when it was only help. */
export const readOptions = (words: string[]): StartOptions | null => {
  const { values } = parseArgs({
    args: words,
    options: {
      config: { type: 'string', default: 'headway.yaml' },
      'port-base': { type: 'string' },
      pipelines: { type: 'string' },
      ephemeral: { type: 'boolean', default: false },
      quiet: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(help)
    return null
  }
  return {
    config: values.config,
    portBase: values['port-base'] ?? process.env.HEADWAY_PORT_BASE,
    pipelines: values.pipelines ?? process.env.HEADWAY_PIPELINES,
    ephemeral: values.ephemeral,
    quiet: values.quiet,
    json: values.json,
  }
}
