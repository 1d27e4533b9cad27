import { Type } from 'typebox'
const s = Type.Object(
  {
    a: Type.Optional(Type.String({ minLength: 1 })),
    r: Type.Record(Type.String(), Type.String()),
    e: Type.Enum(['x', 'y']),
    p: Type.Array(Type.Refine(Type.String(), (v) => v.length > 1, 'too short')),
    u: Type.Union([Type.Literal('a'), Type.Number()]),
  },
  { additionalProperties: false },
)
console.log(JSON.stringify(s))
console.dir(s, { depth: 9, showHidden: true })
