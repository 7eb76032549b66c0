import { describe, expect, it } from 'vitest'
import { FileSync } from '../../src/storage/file_sync.ts'

/** A file whose syncs end when they are told to. */
function fileUnderTest() {
  const running: { readonly end: () => void; readonly fail: (error: Error) => void }[] = []
  let closed = 0
  const file = {
    datasync: () => new Promise<void>((end, fail) => running.push({ end, fail })),
    close: async () => void (closed += 1),
  }
  return { sync: new FileSync(async () => file), running, closed: () => closed }
}

/** Lets what is ready run. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

describe('Syncing a file', () => {
  it('resolves when a sync that began after the call has ended', async () => {
    const { sync, running } = fileUnderTest()
    const done: string[] = []
    const first = sync.sync().then(() => done.push('first'))
    await settled()
    const second = sync.sync().then(() => done.push('second'))
    running[0]?.end()
    await first
    await settled()
    // Then: the second call may not lean on the sync that had begun before it.
    expect(done).toEqual(['first'])
    expect(running).toHaveLength(2)
    running[1]?.end()
    await second
    expect(done).toEqual(['first', 'second'])
  })

  it('is shared by all that ask while another one runs', async () => {
    const { sync, running } = fileUnderTest()
    const all = [sync.sync()]
    await settled()
    all.push(...Array.from({ length: 20 }, () => sync.sync()))
    running[0]?.end()
    await settled()
    running[1]?.end()
    await Promise.all(all)
    expect(running).toHaveLength(2)
  })

  it('fails whoever waits when the disk fails, and everybody after that', async () => {
    const { sync, running } = fileUnderTest()
    const first = sync.sync()
    await settled()
    const second = sync.sync()
    running[0]?.fail(new Error('EIO: i/o error, fdatasync'))
    const refused = expect.objectContaining({ code: 'store_unavailable', message: expect.stringContaining('EIO') })
    await expect(first).rejects.toEqual(refused)
    await expect(second).rejects.toEqual(refused)
    await expect(sync.sync()).rejects.toEqual(refused)
    expect(running).toHaveLength(1)
  })

  it('waits for the sync that runs before it closes the file', async () => {
    const { sync, running, closed } = fileUnderTest()
    const first = sync.sync()
    await settled()
    const closing = sync.close()
    await settled()
    expect(closed()).toBe(0)
    running[0]?.end()
    await Promise.all([first, closing])
    expect(closed()).toBe(1)
  })
})
