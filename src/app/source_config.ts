import type { ApiAccess, LiveSource, SourceBook, SourceSettings } from '../inbox/sources.ts'
import { requireDuration } from '../model/duration.ts'
import { BillhookError } from '../model/error.ts'

/** A source as an application writes it. */
export interface SourceConfig {
  /** A dialect's id, or a provider with an API version. */
  readonly dialect: string
  /** All secrets that open deliveries; during a rotation the old and the new one. */
  readonly secrets?: readonly string[]
  /** Where the provider publishes its keys, for dialects whose body is a token. */
  readonly jwksUrl?: string
  /** How far a signed time may lie from the clock, ISO 8601 (`PT5M`). */
  readonly tolerance?: string
  /** How long reactions wait for the rest of a burst, ISO 8601 (`PT2S`). */
  readonly settle?: string
  /**
   * Opens the provider's API, at `url` if that is not the provider's own address: what is late or unclear is looked up
   * there. Left out: nothing is looked up.
   */
  readonly api?: { readonly key: string; readonly url?: string }
  /** Whether ids of the app that the provider's data carries link users to customers; default true. */
  readonly autoLink?: boolean
}

/**
 * Makes the stored sources what they are written to be. Sources that are not written any more are let be: what they
 * delivered still counts.
 *
 * @throws BillhookError `unknown_dialect`, `invalid_request`
 */
export async function syncSources(
  sources: SourceBook,
  account: string,
  wanted: Readonly<Record<string, SourceConfig>>,
): Promise<void> {
  for (const [name, config] of Object.entries(wanted)) {
    const { dialect, secrets = [] } = config
    const settings = settingsOf(name, config)
    const api = apiOf(name, config)
    const found = await sources.find(account, name)
    if (found === null) {
      await sources.create({ account, name, dialect, secrets, settings, api })
      continue
    }
    await sources.update(account, name, { dialect, settings, api })
    await syncSecrets(sources, found, secrets)
  }
}

async function syncSecrets(sources: SourceBook, found: LiveSource, wanted: readonly string[]): Promise<void> {
  const { account, name, keys } = found
  // New ones first: at no time is there a gap in which nothing opens.
  for (const text of wanted) {
    if (!keys.secrets.some((secret) => secret.text === text)) await sources.addSecret(account, name, text, null)
  }
  for (const [index, secret] of keys.secrets.entries()) {
    const id = found.secrets[index]?.id
    if (id !== undefined && !wanted.includes(secret.text)) await sources.removeSecret(account, name, id)
  }
}

function settingsOf(name: string, config: SourceConfig): Partial<SourceSettings> {
  const { tolerance, settle, jwksUrl, autoLink } = config
  return {
    ...(tolerance === undefined ? {} : { toleranceMs: requireDuration(tolerance, `sources.${name}.tolerance`) }),
    ...(settle === undefined ? {} : { settleMs: requireDuration(settle, `sources.${name}.settle`) }),
    ...(jwksUrl === undefined ? {} : { jwksUrl: requireUrl(jwksUrl, `sources.${name}.jwksUrl`) }),
    ...(autoLink === undefined ? {} : { autoLink }),
  }
}

function apiOf(name: string, { api }: SourceConfig): ApiAccess | null {
  if (api === undefined) return null
  const { key, url } = api
  return { key, url: url === undefined ? null : requireUrl(url, `sources.${name}.api.url`) }
}

function requireUrl(text: string, field: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text
  throw new BillhookError('invalid_request', `${field}: ${JSON.stringify(text)} is not an https URL`, {
    details: { field },
  })
}
