import type { SandboxBehavior } from '../model/entities.ts'

/** Words in the name of a test payment method, or of an outcome in a story, and what the sandbox does for them. */
const WORDS = [
  [/insufficient/i, 'insufficient_funds'],
  [/expired/i, 'expired'],
  [/(processing|pending|async|later).*(fail|decline)/i, 'processing_then_fails'],
  [/processing|pending|async|later/i, 'processing_then_pays'],
  [/action|authentication|3ds|three_?d|sca\b|requires|challenge/i, 'needs_action'],
  [/fail|declin|refus|reject|error|bad|stolen|lost|blocked/i, 'declines'],
] as const satisfies readonly (readonly [RegExp, SandboxBehavior])[]

/** What the sandbox does with a payment method of this name, or for an outcome of this name; by default it pays. */
export function behaviorOf(name: string): SandboxBehavior {
  return WORDS.find(([word]) => word.test(name))?.[1] ?? 'pays'
}

/** Words for an outcome that pays; other outcomes have a word in {@link WORDS}. */
const PAYS = /^(success|succeeds?|succeeded|succeeding|pays?|paid|ok|captured|authorized|authenticated|completed?)$/i

/** What the sandbox does for an outcome of a story; null for a word that means nothing: it must not pass for a success. */
export function behaviorOfOutcome(word: string): SandboxBehavior | null {
  if (PAYS.test(word)) return 'pays'
  const found = behaviorOf(word)
  return found === 'pays' ? null : found
}
