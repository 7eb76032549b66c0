/**
 * Loaded before a server (`node --import`), turns the embedded store's syncs off: what the proof that an answer follows a
 * sync must notice. The product has no such switch.
 */
import { open } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { DatabaseSync } from 'node:sqlite'

const exec: unknown = Reflect.get(DatabaseSync.prototype, 'exec')
DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string): void {
  if (typeof exec === 'function') exec.call(this, sql.replaceAll(/synchronous = \w+/g, 'synchronous = OFF'))
}

/** The class of file handles has no name of its own: one of them leads to it. */
const handle = await open(fileURLToPath(import.meta.url), 'r')
Object.assign(Object.getPrototypeOf(handle) as object, {
  datasync: () => Promise.resolve(),
  sync: () => Promise.resolve(),
})
await handle.close()
