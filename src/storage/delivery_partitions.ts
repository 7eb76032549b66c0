import { DAY_MS, instant } from '../model/instant.ts'
import type { Instant } from '../model/instant.ts'
import type { Database } from './database.ts'
import { text } from './rows.ts'

/** Partitions are weeks: few enough to plan quickly, many enough to drop in small steps. */
const WEEK_MS = 7 * DAY_MS

/** Weeks made ahead: a node that runs for less than this without its hourly chore always finds its partition. */
const WEEKS_AHEAD = 2

/** Rows deleted in one transaction where nothing can be dropped whole. */
const DELETE_MAX = 5_000

const TABLES = [
  { table: 'delivery_event', options: '' },
  { table: 'delivery', options: ' WITH (fillfactor = 25)' },
] as const

/** Crockford's base 32, as event ids are written. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** The bound between what was stored before `at` and from then on. */
function boundOf(at: Instant): string {
  let text = ''
  let rest = Math.max(0, at)
  for (let i = 0; i < 10; i += 1) {
    text = DIGITS.charAt(rest % 32) + text
    rest = Math.floor(rest / 32)
  }
  return `ev_${text}`
}

/**
 * Makes the partitions of this week and the next ones. A week that is missing is no failure: its rows go to the rest
 * partition, from which retention deletes them.
 */
export async function preparePartitions(database: Database, now: Instant): Promise<void> {
  const week = Math.floor(now / WEEK_MS)
  for (let i = 0; i <= WEEKS_AHEAD; i += 1) {
    const from = instant((week + i) * WEEK_MS)
    for (const { table, options } of TABLES) {
      const name = `${table}_w${week + i}`
      if (await exists(database, name)) continue
      await database.transaction(async (transaction) => {
        const statements = database.within(transaction)
        await statements.run(`SELECT pg_advisory_xact_lock(hashtext('billhook partitions in ' || current_schema()))`)
        const bounds = [boundOf(from), boundOf(instant(from + WEEK_MS))]
        const key = table === 'delivery' ? 'event' : 'id'
        // A partition cannot be made for rows that the rest partition holds already.
        const late = await statements.first(
          `SELECT 1 AS one FROM ${table}_rest WHERE ${key} >= ? AND ${key} < ? LIMIT 1`,
          bounds,
        )
        if (late !== null) return
        await statements.run(
          `CREATE TABLE IF NOT EXISTS ${name} PARTITION OF ${table} FOR VALUES FROM ('${bounds[0]}') TO ('${bounds[1]}')${options}`,
        )
      })
    }
  }
}

async function exists(database: Database, name: string): Promise<boolean> {
  const row = await database.first(
    'SELECT 1 AS one FROM pg_class WHERE relname = ? AND relnamespace = current_schema()::regnamespace',
    [name],
  )
  return row !== null
}

/**
 * Drops the partitions that ended before `before`; what lies in no week of its own (and everything on the embedded
 * backend, in the order of its index) is deleted in small transactions. Idempotency keys go with the events.
 */
export async function dropStoredBefore(database: Database, before: Instant): Promise<readonly string[]> {
  const dropped = database.backend === 'postgres' ? await dropPartitions(database, before) : []
  const rest = database.backend === 'postgres' ? '_rest' : ''
  const deleted =
    (await deleteRows(database, `delivery${rest}`, 'event < ?', boundOf(before))) +
    (await deleteRows(database, `delivery_event${rest}`, 'id < ?', boundOf(before))) +
    (await deleteRows(database, 'delivery_key', 'stored_at < ?', before))
  return deleted === 0 ? dropped : [...dropped, `${deleted} rows`]
}

async function dropPartitions(database: Database, before: Instant): Promise<readonly string[]> {
  const rows = await database.all(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
     WHERE p.relname IN ('delivery', 'delivery_event') AND p.relnamespace = current_schema()::regnamespace ORDER BY 1`,
  )
  const names = rows.map((row) => text(row, 'name')).filter((name) => endOf(name) <= before)
  for (const name of names) await database.run(`DROP TABLE IF EXISTS ${name}`)
  return names
}

/** When the week of a partition ends; never for the rest partition. */
function endOf(name: string): number {
  const week = /_w(\d+)$/.exec(name)?.[1]
  return week === undefined ? Infinity : (Number(week) + 1) * WEEK_MS
}

async function deleteRows(
  database: Database,
  table: string,
  condition: string,
  bound: string | number,
): Promise<number> {
  const row = database.backend === 'postgres' ? 'ctid' : 'rowid'
  let deleted = 0
  for (;;) {
    const changed = await database.run(
      `DELETE FROM ${table} WHERE ${row} IN (SELECT ${row} FROM ${table} WHERE ${condition} LIMIT ?)`,
      [bound, DELETE_MAX],
    )
    deleted += changed
    if (changed < DELETE_MAX) return deleted
  }
}
