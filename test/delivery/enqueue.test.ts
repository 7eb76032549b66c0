import pg from 'pg'
import { expect, inject, test } from 'vitest'
import { PostgresDatabase } from '../../src/storage/postgres_database.ts'
import { describeOnBackends } from '../support/backends.ts'
import { event, eventually, makeRig } from '../support/delivery.ts'
import { openSink } from '../support/sink.ts'

describeOnBackends('publishing in a transaction of the application’s own client', (open, backend) => {
  test.skipIf(backend.backend === 'embedded')(
    'commits and rolls back with it, and leaves its search path alone',
    async () => {
      await using sink = await openSink()
      const database = await open()
      if (!(database instanceof PostgresDatabase)) throw new Error('not PostgreSQL')
      await using rig = makeRig(database)
      await rig.delivery.start(false)
      await rig.delivery.endpoints.create('acme', { dialect: 'standard', eventTypes: ['*'], url: sink.url })
      const client = new pg.Client({ connectionString: inject('postgresUrl') })
      await client.connect()
      await client.query('CREATE TEMP TABLE orders (id text)')
      for (const end of ['ROLLBACK', 'COMMIT']) {
        await client.query('BEGIN')
        await client.query(`INSERT INTO orders VALUES ('o1')`)
        await database.join(client, (transaction) =>
          rig.delivery.publishIn(transaction, 'acme', [event('order.created', { id: 'o1' }, { key: 'o1' })]),
        )
        await client.query(`INSERT INTO orders VALUES ('o2')`)
        await client.query(end)
      }
      await eventually(() => rig.settled.length === 1, 'delivered')
      expect(sink.arrivals).toHaveLength(1)
      expect((await client.query('SELECT count(*)::int AS n FROM orders')).rows).toEqual([{ n: 2 }])
      expect((await client.query('SHOW search_path')).rows).toEqual([{ search_path: '"$user", public' }])
      await client.end()
    },
  )
})
