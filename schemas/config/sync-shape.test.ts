import { describe, expect, test } from 'vitest'
import { problemWith } from '../codec.ts'
import { ConfigError, parseConfig } from '../config.ts'
import { RuleDefinition, SinkDefinition, SourceDefinition } from '../rules/definition.ts'

const problemsOf = (text: string): string[] => {
  try {
    parseConfig(text, 'f', {})
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map((p) => `${p.line}:${p.column} ${p.path} ${p.message}`)
  }
}

const sync = `
sources:
  acme:
    platform: github
    url: https://github.com
    webhook: { keys: [env:NEW, env:OLD] }
    poll: { repositories: [acme/shop], every: 1m }
sinks:
  kv: { type: nats_kv, options: { bucket: 'shop-{environment}', any: { thing: 1 } } }
rules:
  shop:
    source: acme
    repositories: ['acme/*']
    files: ['config/*.yaml']
    environment: { branches: { main: production }, default: development }
    secrets: { 'db.password': 'vault:kv/shop#password' }
    sinks: [kv]
    prune: { enabled: true, protect: ['SYSTEM_*'] }
`

describe('configuration in Git', () => {
  test('becomes what the log keeps', () => {
    const { sources, sinks, rules } = parseConfig(sync, 'f', {})
    expect(sources.acme!.poll).toEqual({ repositories: ['acme/shop'], everyMs: 60_000 })
    expect(sinks.kv!.options).toEqual({ bucket: 'shop-{environment}', any: { thing: 1 } })
    expect(problemWith(SourceDefinition, sources.acme)).toBeNull()
    expect(problemWith(SinkDefinition, sinks.kv)).toBeNull()
    expect(problemWith(RuleDefinition, rules.shop)).toBeNull()
  })

  test('names only what is there, and no secret', () => {
    expect(problemsOf(sync.replace('source: acme', 'source: acne'))).toEqual([
      '12:13 rules.shop.source acne is not among the sources; did you mean acme?',
    ])
    expect(problemsOf(sync.replace('sinks: [kv]', 'sinks: [kv, tables]'))).toEqual([
      '17:17 rules.shop.sinks.1 tables is not among the sinks',
    ])
    expect(problemsOf(sync.replace('env:NEW', 'hunter2')).join()).not.toContain('hunter2')
  })
})
