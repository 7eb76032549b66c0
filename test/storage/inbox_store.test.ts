import { it } from 'vitest'
import { createInboxStore } from '../../src/storage/inbox_store.ts'
import { STORE_PROMISES } from '../../src/testing/store_contract.ts'
import { describeOnBackends } from '../support/backends.ts'

describeOnBackends('The store of the receiving end promises that', (open) => {
  for (const promise of STORE_PROMISES) {
    it(promise.name, async () => promise.check(createInboxStore(await open())))
  }
})
