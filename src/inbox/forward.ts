import type { DerivedFact } from '../model/facts.ts'
import type { AccessAnswer } from '../model/access.ts'
import type { Transaction } from '../ports/transaction.ts'
import type { Handler, Reaction } from './handlers.ts'

/** A fact that is handed on to whoever the app wants to tell. */
export interface ForwardedFact {
  readonly account: string
  readonly source: string
  /** The same for every telling: what the receiver deduplicates by. */
  readonly key: string
  readonly fact: DerivedFact
  readonly retracted: boolean
  readonly replay: boolean
  readonly before: AccessAnswer | null
  readonly after: AccessAnswer | null
  readonly object: Reaction['object']
}

/** Takes facts over in the caller's transaction: from its commit on, delivering them is its own business. */
export interface Forward {
  forward(transaction: Transaction, fact: ForwardedFact): Promise<void>
}

/** The handler that hands every fact on, exactly once. Register it with `onAny(forwardTo(port), 'forward')`. */
export function forwardTo(port: Forward): Handler {
  return async (reaction) => {
    const { account, source, key, fact, retracted, replay, before, after, object } = reaction
    await reaction.transaction((transaction) =>
      port.forward(transaction, { account, source, key, fact, retracted, replay, before, after, object }),
    )
  }
}
