import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/app/config.ts'
import { NO_LOG } from '../../src/runtime/logger.ts'
import { serve } from '../../src/server/serve.ts'

const folder = mkdtempSync(join(tmpdir(), 'billhook-serve-'))

afterAll(() => rmSync(folder, { recursive: true }))

function config(port: number) {
  return parseConfig({ BILLHOOK_DATA_FOLDER: folder, BILLHOOK_PORT: String(port), BILLHOOK_SHUTDOWN_TIMEOUT: 'PT1S' })
}

describe('serve', () => {
  it('answers at its URL, with the key that it created, until it is closed', async () => {
    const service = await serve(config(0), { log: NO_LOG })
    const key = readFileSync(service.newKeyFile ?? '', 'utf8').trim()
    const ask = () => fetch(`${service.url}/v1/sources`, { headers: { authorization: `Bearer ${key}` } })
    expect((await ask()).status).toBe(200)
    await service.close()
    await expect(ask()).rejects.toThrow('fetch failed')
    await service.close()
  })

  it('lets go of its store if it cannot listen', async () => {
    const taken = createServer()
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, '127.0.0.1', () => resolve((taken.address() as AddressInfo).port))
    })
    await expect(serve(config(port), { log: NO_LOG })).rejects.toMatchObject({ code: 'config_invalid' })
    taken.close()
    await using service = await serve(config(0), { log: NO_LOG })
    expect(service.newKeyFile).toBeNull()
  })
})
