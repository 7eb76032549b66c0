/** Randomness: cryptographic in production, from a seed in tests and scenarios so that runs repeat byte by byte. */
export interface Random {
  bytes(count: number): Uint8Array
  /** A number from 0 (inclusive) to 1 (exclusive), for jitter. */
  fraction(): number
}
