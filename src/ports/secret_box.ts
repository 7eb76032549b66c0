/** Encrypts what must be secret at rest. */
export interface SecretBox {
  /** Text that only the same key opens; each call gives another one. */
  lock(secret: string): string
  /** @throws BillhookError `secret_key_missing` if it was locked with another key, or was changed */
  unlock(locked: string): string
}
