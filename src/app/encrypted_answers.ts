import type { ApiAnswer, ApiStore } from '../ports/api_store.ts'
import type { SecretBox } from '../ports/secret_box.ts'

/**
 * Answers under idempotency keys, encrypted at rest: one of them may show a secret or an API key, which is shown once and
 * kept nowhere in the clear.
 */
export function encryptedAnswers(store: ApiStore, secretBox: SecretBox): ApiStore {
  return {
    addKey: (key) => store.addKey(key),
    keyByHash: (hash) => store.keyByHash(hash),
    keys: (account) => store.keys(account),
    revokeKey: (account, id, at) => store.revokeKey(account, id, at),
    takeAnswer: async (answer) => {
      const taken = await store.takeAnswer(answer)
      return taken === null ? null : unlocked(taken, secretBox)
    },
    finishAnswer: (answer) => store.finishAnswer({ ...answer, answer: secretBox.lock(answer.answer) }),
    dropAnswer: (account, key) => store.dropAnswer(account, key),
    pruneAnswers: (before) => store.pruneAnswers(before),
  }
}

/** A request that is still in progress has no answer yet. */
function unlocked(taken: ApiAnswer, secretBox: SecretBox): ApiAnswer {
  return taken.status === 0 ? taken : { ...taken, answer: secretBox.unlock(taken.answer) }
}
