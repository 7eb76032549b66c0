/** The other thread of the {@link Checkpointer}: one pass over the write-ahead log for each message that asks for one. */
import { closeSync, fdatasyncSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

const file = String(workerData)
const database = new DatabaseSync(file, { timeout: 0 })
database.exec('PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0')
// Open until the end: closing any descriptor of the file would drop the locks that SQLite holds on it in this process.
const descriptor = openSync(file, 'r+')

/** Frames of the log. What is in the log when the pass begins is copied, unless somebody still reads what was before. */
function pass(): number {
  const row = database.prepare('PRAGMA wal_checkpoint(PASSIVE)').get()
  // SQLite syncs the file when the log is copied to its end: then little is left to be synced.
  fdatasyncSync(descriptor)
  return Number(row?.['log'] ?? 0)
}

parentPort?.on('message', (message: unknown) => {
  if (message === 'pass') {
    parentPort?.postMessage({ frames: pass() })
    return
  }
  database.close()
  closeSync(descriptor)
  parentPort?.close()
})
