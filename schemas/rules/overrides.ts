/**
 * What a repository may say itself about the rules that it is read by, in `headway.json` at its root: rule
 * name → a few fields. Where values go, what may be deleted and what is secret is not the repository's to
 * say, so a field beyond these is an error and nothing is read. A dry run can be asked for, never ended.
 */
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { RuleDefinition } from './definition.ts'

const { files, environment, rootKey, slice, rename, mode, validate } = RuleDefinition.properties

const Overrides = Compile(
  Type.Record(
    Type.String(),
    Type.Object(
      {
        files: Type.Optional(files),
        environment: Type.Optional(environment),
        rootKey,
        slice,
        rename,
        mode,
        validate,
        dryRun: Type.Optional(Type.Literal(true)),
      },
      { additionalProperties: false },
    ),
  ),
)

export class OverridesError extends Error {
  override readonly name = 'OverridesError'
}

const allowed = 'files, environment, rootKey, slice, rename, mode, validate and dryRun: true'

/** The rule with what the repository says about it. Throws `OverridesError`, and says what is wrong. */
export const overridden = (
  name: string,
  rule: RuleDefinition,
  text: string | null,
  isPullRequest: boolean,
): RuleDefinition => {
  if (text === null) return rule
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new OverridesError('headway.json is not JSON')
  }
  if (!Overrides.Check(value)) {
    const [problem] = Overrides.Errors(value)
    const place = problem?.instancePath ? ` at ${problem.instancePath}` : ''
    throw new OverridesError(`headway.json may hold, by rule, ${allowed}; not so${place}`)
  }
  if (!Object.hasOwn(value, name)) return rule
  const { environment: where, ...others } = value[name]!
  // Where unmerged work goes is not for it to say.
  return { ...rule, ...others, ...(where && !isPullRequest ? { environment: where } : {}) }
}
