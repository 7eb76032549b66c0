/** What an application's or a dialect's own tests use. */
export { decodesAnything, decodesMutated, DIALECT_LAWS, refusesChangedBit } from './dialect_laws.ts'
export type { Law, LawSubject } from './dialect_laws.ts'
export { STORE_PROMISES } from './store_contract.ts'
export type { StorePromise } from './store_contract.ts'
