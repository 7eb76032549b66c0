import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createReceiver } from '../../src/receiver.ts'
import type { Receiver, ReceiverOptions } from '../../src/receiver.ts'
import { NO_LOG } from '../../src/runtime/logger.ts'
import { createManualClock } from '../../src/runtime/manual_clock.ts'
import type { ManualClock } from '../../src/runtime/manual_clock.ts'
import { SAMPLE_TIME, SECRET } from './served.ts'

export interface Held extends AsyncDisposable {
  readonly receiver: Receiver
  readonly clock: ManualClock
  readonly dataFolder: string
}

/** A receiver on a folder of its own, with the source `main`. */
export async function holdReceiver(options: Partial<ReceiverOptions> = {}): Promise<Held> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'billhook-receiver-'))
  const clock = createManualClock(SAMPLE_TIME)
  const receiver = await createReceiver({
    store: { dataFolder },
    sources: { main: { dialect: 'razorpay', secrets: [SECRET] } },
    clock,
    log: NO_LOG,
    // The clock is moved by days here: loops that look around every few seconds of it would be slow.
    autoStart: false,
    ...options,
  })
  return {
    receiver,
    clock,
    dataFolder,
    async [Symbol.asyncDispose]() {
      await receiver.close()
      rmSync(dataFolder, { recursive: true })
    },
  }
}

/** The headers that a captured body is delivered with. */
export function signed(body: string | Buffer, secret = SECRET): Record<string, string> {
  return {
    'content-type': 'application/json',
    'x-razorpay-signature': createHmac('sha256', secret).update(body).digest('hex'),
  }
}
