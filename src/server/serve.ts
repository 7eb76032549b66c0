import { createApp } from '../app/create.ts'
import type { AppParts } from '../app/create.ts'
import type { Config } from '../app/config.ts'
import { startServer } from './server.ts'

/** A running Billhook: both ends, behind one HTTP server. */
export interface Service extends AsyncDisposable {
  /** Where it listens, for example `http://127.0.0.1:8420`. */
  readonly url: string
  /** The file that holds the first API key, if this start created it; else null. */
  readonly newKeyFile: string | null
  /** Lets running work finish within the configured time, then closes the server and the store. Safe to call again. */
  close(): Promise<void>
}

/**
 * Starts what `billhook start` starts, inside the caller's own process.
 *
 * @throws BillhookError `config_invalid` (also if the address cannot be listened on), `store_locked`,
 * `store_unavailable`, `store_newer`, `secret_key_missing`
 */
export async function serve(config: Config, parts: AppParts = {}): Promise<Service> {
  const app = await createApp(config, parts)
  try {
    const server = await startServer(app)
    await app.start()
    const close = async (): Promise<void> => {
      await server.close(config.shutdownTimeoutMs)
      await app.close()
    }
    return { url: server.url, newKeyFile: app.newKeyFile, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    await app.close()
    throw error
  }
}
