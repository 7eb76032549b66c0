import { isObject } from '../../model/json.ts'
import type { Json, JsonObject } from '../../model/json.ts'

/** An access answer of the API in words, for people: one line, and one for each reason. */
export function describeAccess(user: string, answer: JsonObject): readonly string[] {
  const { allowed, level, plan, until, paidThrough, sure } = answer
  const parts = [
    `${user}: ${allowed === true ? `yes, ${text(level)}` : 'no'}`,
    ...(plan === null ? [] : [`plan ${text(plan)}`]),
    ...(until === null ? [] : [`until ${text(until)}`]),
    ...(paidThrough === null ? [] : [`paid through ${text(paidThrough)}`]),
    ...(sure === true ? [] : ['not sure']),
  ]
  const why = Array.isArray(answer['why']) ? answer['why'].filter(isObject) : []
  return [parts.join(', '), ...why.map((reason) => `  because ${text(reason['words'])}`)]
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value.replace('.000Z', 'Z') : JSON.stringify(value ?? null)
}
