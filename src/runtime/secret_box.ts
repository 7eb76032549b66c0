import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { BillhookError, messageOf } from '../model/error.ts'
import type { SecretBox } from '../ports/secret_box.ts'

/** AES-256-GCM: 32 bytes of key, 12 of nonce, 16 of tag. */
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** How many characters name the key that a text was locked with. */
const KEY_ID_LENGTH = 8

/**
 * Encrypts with AES-256-GCM. A locked text is `v1.<key id>.<base64url of nonce, ciphertext, tag>`; the key id is a hash
 * of the key, so that a wrong key is told from a changed text.
 *
 * @throws BillhookError `config_invalid` if the key has not 32 bytes
 */
export function createSecretBox(key: Uint8Array): SecretBox {
  if (key.length !== KEY_BYTES)
    throw new BillhookError('config_invalid', `the secret key has ${key.length} bytes and must have ${KEY_BYTES}`)
  const keyId = createHash('sha256')
    .update('billhook secret key')
    .update(key)
    .digest('base64url')
    .slice(0, KEY_ID_LENGTH)
  return {
    lock(secret) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
      return `v1.${keyId}.${Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64url')}`
    },
    unlock(locked) {
      const [version, lockedWith, data, ...rest] = locked.split('.')
      if (version !== 'v1' || data === undefined || rest.length > 0) throw changed()
      if (lockedWith !== keyId)
        throw new BillhookError(
          'secret_key_missing',
          `a stored secret was encrypted with the key ${lockedWith}, but this process has the key ${keyId}; restore the key that this store was made with`,
        )
      const bytes = Buffer.from(data, 'base64url')
      if (bytes.length < NONCE_BYTES + TAG_BYTES) throw changed()
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES))
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
      try {
        return decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
      } catch (error) {
        throw changed(error)
      }
    },
  }
}

function changed(cause?: unknown): BillhookError {
  return new BillhookError('secret_key_missing', 'a stored secret was altered: it does not decrypt with its key', {
    cause,
  })
}

/**
 * The 32 bytes that a text stands for: 64 hexadecimal digits, or base64 (either alphabet).
 *
 * @throws BillhookError `config_invalid`; the message does not repeat the text
 */
export function parseSecretKey(text: string, where: string): Uint8Array {
  const trimmed = text.trim()
  const bytes = /^[0-9a-fA-F]{64}$/.test(trimmed) ? Buffer.from(trimmed, 'hex') : Buffer.from(trimmed, 'base64')
  if (bytes.length !== KEY_BYTES || !/^[0-9A-Za-z+/_=-]+$/.test(trimmed))
    throw new BillhookError(
      'config_invalid',
      `${where} is not a key of ${KEY_BYTES} bytes; make one with: openssl rand -base64 ${KEY_BYTES}`,
    )
  return new Uint8Array(bytes)
}

/**
 * The key kept in a file, which is made on first use, readable by its owner only.
 *
 * @throws BillhookError `secret_key_missing` if the file can be read by others, `config_invalid` if it cannot be made
 */
export function secretKeyFromFile(path: string): Uint8Array {
  if (!existsSync(path)) {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      writeFileSync(path, `${randomBytes(KEY_BYTES).toString('base64')}\n`, { mode: 0o600, flag: 'wx' })
      // The mode given to the call is cut by the process's umask, never widened; this makes it exact.
      chmodSync(path, 0o600)
    } catch (error) {
      // Another process made it meanwhile: that one counts.
      if (!existsSync(path))
        throw new BillhookError('config_invalid', `the key file ${path} cannot be created: ${messageOf(error)}`, {
          cause: error,
        })
    }
  }
  if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0)
    throw new BillhookError('secret_key_missing', `the key file ${path} can be read by others; run: chmod 600 ${path}`)
  return parseSecretKey(readFileSync(path, 'utf8'), path)
}
