/**
 * Waits for work to end, but no longer than `ms` milliseconds.
 *
 * @returns false if it did not end in time; it continues, and what it throws later is ignored
 */
export async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  const ended = work.then(() => true as const)
  // Whoever waits gets the failure; after the time is over nobody does.
  ended.catch(() => undefined)
  try {
    return await Promise.race([ended, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Resolves when a signal aborts, at once if it has. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
