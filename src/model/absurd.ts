import { BillhookError } from './error.ts'

/**
 * Ends a `switch` over a closed union: it does not compile while a case is missing, and if a value from outside the
 * types gets here anyway, it is reported instead of being passed over.
 *
 * @throws BillhookError `internal_invariant`
 */
export function absurd(value: never, what: string): never {
  throw new BillhookError('internal_invariant', `${what}: no case for ${JSON.stringify(value)}`)
}
