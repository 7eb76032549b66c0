// Part of the build: the compiler leaves the SQL files behind.
import { cpSync } from 'node:fs'

cpSync(
  new URL('../../src/storage/migrations', import.meta.url),
  new URL('../../dist/storage/migrations', import.meta.url),
  {
    recursive: true,
  },
)
