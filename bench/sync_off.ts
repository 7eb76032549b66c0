/**
 * Loaded before a server (`node --import`), turns the embedded store's syncs off: what the proof that an answer follows a
 * sync must notice. The product has no such switch.
 */
import { DatabaseSync } from 'node:sqlite'

const exec: unknown = Reflect.get(DatabaseSync.prototype, 'exec')
DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string): void {
  if (typeof exec === 'function') exec.call(this, sql.replaceAll(/synchronous = \w+/g, 'synchronous = OFF'))
}
