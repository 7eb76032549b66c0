/** A process that opens an embedded store and holds it until it is killed. */
import { openDatabase } from '../../src/storage/open_store.ts'

const database = await openDatabase({ dataFolder: process.argv[2] ?? '' })
await database.run('INSERT INTO setting (account, name, value) VALUES (?, ?, ?)', ['a', 'held', 'yes'])
process.stdout.write('held\n')
setInterval(() => undefined, 1_000)
