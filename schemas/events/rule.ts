/** Rules: which files of which repositories become which values where. */
import { Name } from '../definitions.ts'
import { RuleDefinition } from '../rules/definition.ts'
import { event } from './event.ts'

export const ruleEvents = {
  RuleDefined: event('RuleDefined', { rule: Name, definition: RuleDefinition }),
  RuleRemoved: event('RuleRemoved', { rule: Name }),
} as const
