import type { SandboxBehavior } from '../model/entities.ts'

/** Words in the name of a test payment method, or of an outcome in a story, and what the sandbox does for them. */
const WORDS = [
  [/insufficient/i, 'insufficient_funds'],
  [/expired/i, 'expired'],
  [/(processing|pending|async|later).*(fail|decline)/i, 'processing_then_fails'],
  [/processing|pending|async|later/i, 'processing_then_pays'],
  [/action|authentication|3ds|sca\b|requires|challenge/i, 'needs_action'],
  [/fail|declin|refus/i, 'declines'],
] as const satisfies readonly (readonly [RegExp, SandboxBehavior])[]

/** What the sandbox does with a payment method of this name, or for an outcome of this name; by default it pays. */
export function behaviorOf(name: string): SandboxBehavior {
  return WORDS.find(([word]) => word.test(name))?.[1] ?? 'pays'
}
