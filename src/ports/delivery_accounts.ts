import type { Instant } from '../model/instant.ts'
import type { Transaction } from './transaction.ts'

/** What the delivery engine must know of an account. */
export interface DeliveryAccount {
  readonly id: string
  /** The dialect that its events are logged in, whether an endpoint asks for them or not. */
  readonly dialect: string
  readonly livemode: boolean
  /** `test`: nothing is delivered by itself; whoever advances the clock runs what is due. */
  readonly clock: { readonly kind: 'real' } | { readonly kind: 'test'; readonly now: Instant }
  /** Who is mailed about endpoints that name nobody; null: nobody. */
  readonly ownerMail: string | null
  /** True: an endpoint gets events only after its owner has proved that the URL is theirs. */
  readonly verifiesOwnership: boolean
}

/** Looks an account up; null if there is none. Asked once per batch, so it may ask the store. */
export type DeliveryAccounts = (account: string, transaction: Transaction | null) => Promise<DeliveryAccount | null>
