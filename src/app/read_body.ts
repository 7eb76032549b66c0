import type { IncomingMessage } from 'node:http'

/** A request's bytes. `too_large`: `body` has the first bytes, one more than the limit. `gone`: the sender went away. */
export type ReadBody =
  | { readonly end: 'complete'; readonly body: Uint8Array }
  | { readonly end: 'too_large'; readonly body: Uint8Array }
  | { readonly end: 'gone' }

/**
 * Reads a request's body up to `limit` bytes. What lies beyond is read and thrown away while the answer is on its way, so
 * that the sender sees the answer and not a broken connection; the server's request time-out bounds how long.
 */
export function readBody(request: IncomingMessage, limit: number): Promise<ReadBody> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    const end = (read: ReadBody): void => {
      request.removeListener('data', take)
      request.removeListener('end', complete)
      request.removeListener('close', gone)
      request.removeListener('error', gone)
      resolve(read)
    }
    const take = (chunk: Buffer): void => {
      chunks.push(chunk)
      size += chunk.length
      if (size <= limit) return
      end({ end: 'too_large', body: Buffer.concat(chunks).subarray(0, limit + 1) })
      // Errors of a connection that nobody listens to any more would end the process.
      request.on('error', () => undefined)
      request.resume()
    }
    const complete = (): void => {
      const [only] = chunks
      end({ end: 'complete', body: chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, size) })
    }
    const gone = (): void => end({ end: 'gone' })
    request.on('data', take)
    request.on('end', complete)
    request.on('close', gone)
    request.on('error', gone)
  })
}
