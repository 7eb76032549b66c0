/** What the laws need of each dialect: true samples where a provider prints them, keys, and changes to tell. */
import { generateKeyPairSync } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { DIALECTS } from '../../src/dialects/registry.ts'
import type { Dialect, Notification, OpeningKeys, SealingKeys } from '../../src/dialects/dialect.ts'
import type { LawSubject } from '../../src/testing/dialect_laws.ts'
import { TELLINGS } from './tellings.ts'

const FIXTURES = new URL('../fixtures/', import.meta.url)

/** Folders of exact bodies, by family. */
const WIRE: Readonly<Record<string, { readonly folder: string; readonly headers: Record<string, string> }>> = {
  razorpay: { folder: 'razorpay/wire/', headers: { 'X-Razorpay-Event-Id': 'Rp71ZiqdEWusLa' } },
}

function printedSamples(dialect: Dialect): readonly Notification[] {
  const wire = WIRE[dialect.family]
  if (wire === undefined) return []
  const folder = new URL(wire.folder, FIXTURES)
  return readdirSync(folder).map((name) => {
    const sealed = { headers: wire.headers, body: readFileSync(new URL(name, folder)) }
    const read = dialect.read(sealed, { at: null, toleranceMs: null })
    if (!read.ok) throw new Error(`${name}: ${read.reason}`)
    return read.notification
  })
}

function toldSamples(dialect: Dialect): readonly Notification[] {
  return TELLINGS.flatMap(({ told, view }) =>
    dialect.encode(told, view, { fact: `${told.kind}/${told.subject}`, at: told.at }),
  )
}

interface Keys {
  readonly sealing: LawSubject['sealing']
  readonly opening: OpeningKeys
}

function secretKeys(dialect: Dialect): Keys {
  const [current, older] = [1, 2].map((fill) => dialect.newSecret(new Uint8Array(32).fill(fill)) ?? '')
  const sealed = (...secrets: (string | undefined)[]): SealingKeys => ({
    secrets: secrets.filter((secret) => secret !== undefined),
    signingKey: null,
  })
  return {
    sealing: { current: sealed(current), older: sealed(older) },
    opening: {
      secrets: [current, older].map((text) => ({ text: text ?? '', from: null, until: null })),
      publicKey: null,
    },
  }
}

/** A key set with the current key and the one before it. */
function tokenKeys(): Keys {
  const pairs = ['key_current', 'key_older'].map((keyId) => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: keyId, alg: 'RS256', use: 'sig' }
    const privateKeyPem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
    return { keyId, jwk, sealing: { secrets: [], signingKey: { keyId, privateKeyPem } } }
  })
  return {
    sealing: { current: pairs[0]!.sealing, older: pairs[1]!.sealing },
    opening: {
      secrets: [],
      publicKey: async (keyId) => {
        const pair = pairs.find((each) => each.keyId === keyId)
        return pair === undefined ? { ok: false, reason: 'key_unknown' } : { ok: true, jwk: pair.jwk }
      },
    },
  }
}

function subjectOf(dialect: Dialect): LawSubject {
  const keys = dialect.rotation.kind === 'key_set' ? tokenKeys() : secretKeys(dialect)
  return { dialect, samples: [...printedSamples(dialect), ...toldSamples(dialect)], tellings: TELLINGS, ...keys }
}

export const SUBJECTS: readonly LawSubject[] = DIALECTS.map(subjectOf)
