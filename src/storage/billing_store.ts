import { BillhookError } from '../model/error.ts'
import type { Instant } from '../model/instant.ts'
import type { Told } from '../model/facts.ts'
import { isObject, readModel, writeModel } from '../model/json.ts'
import type {
  Account,
  Aggregate,
  AggregateChange,
  BillingStore,
  ChargeRow,
  EntityPage,
  EntityQuery,
  GateRow,
  LoggedFact,
  StoredAnswer,
  StoredEntity,
} from '../ports/billing_store.ts'
import type { Transaction } from '../ports/transaction.ts'
import type { Database, SqlRow, SqlValue, Statements } from './database.ts'
import { listOf } from './placeholders.ts'
import { count, insert, on, oneOf, text, textOrNull, time, timeOrNull, using } from './rows.ts'
import type { Insert } from './rows.ts'

/** The billing system's tables on either backend. */
export function createBillingStore(database: Database): BillingStore {
  return new SqlBillingStore(database)
}

class SqlBillingStore implements BillingStore {
  readonly #database: Database
  readonly #lock: string
  readonly #skipLocked: string

  constructor(database: Database) {
    this.#database = database
    const locks = database.backend === 'postgres'
    this.#lock = locks ? ' FOR UPDATE' : ''
    this.#skipLocked = locks ? ' FOR UPDATE SKIP LOCKED' : ''
  }

  async createAccount(transaction: Transaction, account: Account): Promise<boolean> {
    const changed = await this.#in(transaction).run(
      'INSERT INTO billing_account (account, test_clock, data) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      [account.id, account.clock === null ? 0 : 1, writeModel(account)],
    )
    return changed === 1
  }

  async account(transaction: Transaction | null, id: string, lock = false): Promise<Account | null> {
    const row = await this.#in(transaction).first(
      `SELECT data FROM billing_account WHERE account = ?${lock && transaction !== null ? this.#lock : ''}`,
      [id],
    )
    return row === null ? null : readAs(row, isAccount, 'an account')
  }

  async accounts(): Promise<readonly Account[]> {
    const rows = await this.#database.all('SELECT data FROM billing_account ORDER BY account')
    return rows.map((row) => readAs(row, isAccount, 'an account'))
  }

  async updateAccount(transaction: Transaction, account: Account): Promise<void> {
    await this.#in(transaction).run('UPDATE billing_account SET test_clock = ?, data = ? WHERE account = ?', [
      account.clock === null ? 0 : 1,
      writeModel(account),
      account.id,
    ])
  }

  async load(transaction: Transaction, account: string, customers: readonly string[]): Promise<readonly Aggregate[]> {
    return this.#read(this.#in(transaction), account, customers, this.#lock)
  }

  async peek(transaction: Transaction | null, account: string, customer: string): Promise<Aggregate | null> {
    const [aggregate] = await this.#read(this.#in(transaction), account, [customer], '')
    return aggregate ?? null
  }

  async #read(
    statements: Statements,
    account: string,
    customers: readonly string[],
    lock: string,
  ): Promise<readonly Aggregate[]> {
    if (customers.length === 0) return []
    const marks = listOf(customers.length)
    const heads = await statements.all(
      `SELECT customer, minted, version FROM billing_aggregate WHERE account = ? AND customer IN (${marks}) ORDER BY customer${lock}`,
      [account, ...customers],
    )
    const rows = await statements.all(
      `SELECT customer, kind, id, live, data FROM ${this.#using('billing_entity', 'billing_entity_customer')}
       WHERE account = ? AND customer IN (${marks}) AND live = 1 ORDER BY customer, seq`,
      [account, ...customers],
    )
    const entities = Map.groupBy(rows, (row) => text(row, 'customer'))
    return heads.map((head) => ({
      account,
      customer: text(head, 'customer'),
      minted: count(head, 'minted'),
      version: count(head, 'version'),
      entities: (entities.get(text(head, 'customer')) ?? []).map(entityOf),
    }))
  }

  async versionOf(transaction: Transaction, account: string, customer: string): Promise<number> {
    const row = await this.#in(transaction).first(
      'SELECT version FROM billing_aggregate WHERE account = ? AND customer = ?',
      [account, customer],
    )
    return row === null ? 0 : count(row, 'version')
  }

  async save(transaction: Transaction, changes: readonly AggregateChange[]): Promise<void> {
    const statements = this.#in(transaction)
    await this.#saveHeads(statements, changes)
    const entities = changes.flatMap(({ account, customer, entities }) =>
      entities.map((entity): SqlValue[] => [
        account,
        entity.kind,
        entity.id,
        customer,
        entity.live ? 1 : 0,
        createdAtOf(entity),
        writeModel(entity.value),
      ]),
    )
    await this.#insert(statements, {
      into: 'billing_entity (account, kind, id, customer, live, created_at, data)',
      rows: entities,
      after: 'ON CONFLICT (account, kind, id) DO UPDATE SET live = excluded.live, data = excluded.data',
    })
    for (const { account, removed } of changes) {
      for (const { kind, id } of removed)
        await statements.run('DELETE FROM billing_entity WHERE account = ? AND kind = ? AND id = ?', [
          account,
          kind,
          id,
        ])
    }
  }

  async #saveHeads(statements: Statements, changes: readonly AggregateChange[]): Promise<void> {
    const changed = await this.#insert(statements, {
      into: 'billing_aggregate (account, customer, due_at, minted, version)',
      rows: changes.map(({ account, customer, dueAt, minted, version }) => [
        account,
        customer,
        dueAt,
        minted,
        version + 1,
      ]),
      after: `ON CONFLICT (account, customer) DO UPDATE
        SET due_at = excluded.due_at, minted = excluded.minted, version = excluded.version
        WHERE billing_aggregate.version = excluded.version - 1`,
    })
    if (changed !== changes.length)
      throw new BillhookError(
        'conflict',
        `${changes.length - changed} of ${changes.length} customers were changed by another process in the meantime; read them again, then decide whether to retry`,
      )
  }

  async log(transaction: Transaction, facts: readonly LoggedFact[]): Promise<void> {
    await this.#insert(this.#in(transaction), {
      into: 'billing_fact (account, id, at, data)',
      rows: facts.map(({ account, id, at, told }) => [account, id, at, writeModel(told)]),
    })
  }

  async facts(
    account: string,
    after: number,
    limit: number,
  ): Promise<readonly (LoggedFact & { readonly seq: number })[]> {
    const rows = await this.#database.all(
      'SELECT seq, id, at, data FROM billing_fact WHERE account = ? AND seq > ? ORDER BY seq LIMIT ?',
      [account, after, limit],
    )
    return rows.map((row) => ({
      seq: count(row, 'seq'),
      account,
      id: text(row, 'id'),
      at: time(row, 'at'),
      told: readAs(row, isTold, 'a fact'),
    }))
  }

  async ownerOf(
    transaction: Transaction | null,
    account: string,
    kind: StoredEntity['kind'],
    id: string,
  ): Promise<string | null> {
    const row = await this.#in(transaction).first(
      'SELECT customer FROM billing_entity WHERE account = ? AND kind = ? AND id = ?',
      [account, kind, id],
    )
    return row === null ? null : text(row, 'customer')
  }

  async entity(account: string, kind: StoredEntity['kind'], id: string): Promise<StoredEntity | null> {
    const row = await this.#database.first(
      'SELECT kind, id, live, data FROM billing_entity WHERE account = ? AND kind = ? AND id = ?',
      [account, kind, id],
    )
    return row === null ? null : entityOf(row)
  }

  async entities(query: EntityQuery): Promise<EntityPage> {
    const { account, kind, customer, after, limit } = query
    const [createdAt, seq] = after === null ? [null, null] : cursorOf(after)
    const filter = `${customer === null ? '' : ' AND customer = ?'}${
      createdAt === null ? '' : ' AND (created_at, seq) < (?, ?)'
    }`
    const index = customer === null ? 'billing_entity_list' : 'billing_entity_customer'
    const rows = await this.#database.all(
      `SELECT seq, kind, id, live, created_at, data FROM ${this.#using('billing_entity', index)} WHERE account = ? AND kind = ?${filter}
       ORDER BY created_at DESC, seq DESC LIMIT ?`,
      [
        account,
        kind,
        ...(customer === null ? [] : [customer]),
        ...(createdAt === null ? [] : [createdAt, seq]),
        limit + 1,
      ],
    )
    const page = rows.slice(0, limit)
    const last = page.at(-1)
    return {
      entities: page.map(entityOf),
      next: rows.length > limit && last !== undefined ? `${count(last, 'created_at')}:${count(last, 'seq')}` : null,
    }
  }

  async nextDue(account: string): Promise<Instant | null> {
    const row = await this.#database.first(
      'SELECT min(due_at) AS due_at FROM billing_aggregate WHERE account = ? AND due_at IS NOT NULL',
      [account],
    )
    return row === null ? null : timeOrNull(row, 'due_at')
  }

  async claimDue(transaction: Transaction, account: string, at: Instant, limit: number): Promise<readonly string[]> {
    const rows = await this.#in(transaction).all(
      `SELECT customer FROM billing_aggregate WHERE account = ? AND due_at IS NOT NULL AND due_at <= ?
       ORDER BY due_at, customer LIMIT ?${this.#skipLocked}`,
      [account, at, limit],
    )
    return rows.map((row) => text(row, 'customer'))
  }

  async accountsDue(at: Instant): Promise<readonly string[]> {
    const rows = await this.#database.all(
      `SELECT account FROM billing_account WHERE test_clock = 0 AND EXISTS (
         SELECT 1 FROM billing_aggregate
         WHERE billing_aggregate.account = billing_account.account AND due_at IS NOT NULL AND due_at <= ?
       ) ORDER BY account`,
      [at],
    )
    return rows.map((row) => text(row, 'account'))
  }

  async putCharges(transaction: Transaction, charges: readonly ChargeRow[]): Promise<void> {
    await this.#insert(this.#in(transaction), {
      into: `billing_charge
        (account, charge_key, kind, customer, payment, refund, attempt, state, due_at, tries)`,
      rows: charges.map((row) => [
        row.account,
        row.key,
        row.kind,
        row.customer,
        row.payment,
        row.refund,
        row.attempt,
        row.state,
        row.dueAt,
        row.tries,
      ]),
      after: `ON CONFLICT (account, charge_key) DO UPDATE
        SET state = excluded.state, due_at = excluded.due_at, tries = excluded.tries`,
    })
  }

  async charge(transaction: Transaction, account: string, key: string): Promise<ChargeRow | null> {
    const row = await this.#in(transaction).first(
      `SELECT * FROM billing_charge WHERE account = ? AND charge_key = ?${this.#lock}`,
      [account, key],
    )
    return row === null ? null : chargeOf(row)
  }

  async chargesWanted(account: string | null, at: Instant, limit: number): Promise<readonly ChargeRow[]> {
    const index = account === null ? 'billing_charge_wanted' : 'billing_charge_account'
    const rows = await this.#database.all(
      `SELECT * FROM ${this.#using('billing_charge', index)} WHERE state = 'wanted' AND due_at <= ?${account === null ? '' : ' AND account = ?'}
       ORDER BY due_at, account, charge_key LIMIT ?`,
      [at, ...(account === null ? [] : [account]), limit],
    )
    return rows.map(chargeOf)
  }

  async nextChargeDue(account: string): Promise<Instant | null> {
    const row = await this.#database.first(
      `SELECT min(due_at) AS due_at FROM ${this.#using('billing_charge', 'billing_charge_account')}
       WHERE state = 'wanted' AND account = ?`,
      [account],
    )
    return row === null ? null : timeOrNull(row, 'due_at')
  }

  async putGates(transaction: Transaction, gates: readonly GateRow[]): Promise<void> {
    await this.#insert(this.#in(transaction), {
      into: 'billing_gate (account, fact, invoice)',
      rows: gates.map(({ account, fact, invoice }) => [account, fact, invoice]),
    })
  }

  async gateOf(account: string, fact: string): Promise<string | null> {
    const row = await this.#database.first('SELECT invoice FROM billing_gate WHERE account = ? AND fact = ?', [
      account,
      fact,
    ])
    return row === null ? null : text(row, 'invoice')
  }

  async gates(account: string | null, limit: number): Promise<readonly GateRow[]> {
    const rows = await this.#database.all(
      account === null
        ? `SELECT billing_gate.account, fact, invoice FROM billing_gate JOIN billing_account
             ON billing_account.account = billing_gate.account AND test_clock = 0 LIMIT ?`
        : 'SELECT account, fact, invoice FROM billing_gate WHERE account = ? LIMIT ?',
      account === null ? [limit] : [account, limit],
    )
    return rows.map((row) => ({
      account: text(row, 'account'),
      fact: text(row, 'fact'),
      invoice: text(row, 'invoice'),
    }))
  }

  async closeGate(transaction: Transaction, account: string, fact: string): Promise<void> {
    await this.#in(transaction).run('DELETE FROM billing_gate WHERE account = ? AND fact = ?', [account, fact])
  }

  async answer(transaction: Transaction, account: string, key: string): Promise<StoredAnswer | null> {
    const row = await this.#in(transaction).first(
      'SELECT fingerprint, answer, at FROM billing_answer WHERE account = ? AND answer_key = ?',
      [account, key],
    )
    if (row === null) return null
    return { fingerprint: text(row, 'fingerprint'), answer: text(row, 'answer'), at: time(row, 'at') }
  }

  async putAnswer(transaction: Transaction, account: string, key: string, answer: StoredAnswer): Promise<void> {
    await this.#in(transaction).run(
      'INSERT INTO billing_answer (account, answer_key, fingerprint, answer, at) VALUES (?, ?, ?, ?, ?)',
      [account, key, answer.fingerprint, answer.answer, answer.at],
    )
  }

  #using(table: string, index: string): string {
    return using(this.#database.backend, table, index)
  }

  #in(transaction: Transaction | null): Statements {
    return on(this.#database, transaction)
  }

  #insert(statements: Statements, what: Insert): Promise<number> {
    return insert(statements, this.#database.backend, what)
  }
}

function entityOf(row: SqlRow): StoredEntity {
  const stored = { kind: row['kind'], id: row['id'], live: row['live'] === 1, value: readModel(text(row, 'data')) }
  if (!isStoredEntity(stored)) throw corrupt('an entity')
  return stored
}

function chargeOf(row: SqlRow): ChargeRow {
  return {
    account: text(row, 'account'),
    key: text(row, 'charge_key'),
    kind: oneOf(row, 'kind', ['charge', 'refund']),
    customer: text(row, 'customer'),
    payment: text(row, 'payment'),
    refund: textOrNull(row, 'refund'),
    attempt: count(row, 'attempt'),
    state: oneOf(row, 'state', ['wanted', 'later', 'decided']),
    dueAt: timeOrNull(row, 'due_at'),
    tries: count(row, 'tries'),
  }
}

function createdAtOf({ kind, value }: StoredEntity): Instant {
  return kind === 'usage' ? value.period.from : value.createdAt
}

function cursorOf(cursor: string): [number, number] {
  const match = /^(-?\d{1,15}):(\d{1,15})$/.exec(cursor)
  if (match?.[1] === undefined || match[2] === undefined)
    throw new BillhookError('invalid_cursor', `the cursor ${JSON.stringify(cursor)} does not belong to this list`)
  return [Number(match[1]), Number(match[2])]
}

// What this file reads, it has written: the guards look at the outline, not at every field.

function isStoredEntity(value: unknown): value is StoredEntity {
  return (
    isObject(value) && typeof value['kind'] === 'string' && typeof value['id'] === 'string' && isObject(value['value'])
  )
}

function isAccount(value: unknown): value is Account {
  return isObject(value) && typeof value['id'] === 'string' && typeof value['seed'] === 'string'
}

function isTold(value: unknown): value is Told {
  return isObject(value) && typeof value['kind'] === 'string' && typeof value['at'] === 'number'
}

function readAs<T>(row: SqlRow, is: (value: unknown) => value is T, what: string): T {
  const read = readModel(text(row, 'data'))
  if (!is(read)) throw corrupt(what)
  return read
}

function corrupt(what: string): BillhookError {
  return new BillhookError('internal_invariant', `the billing tables hold something that is not ${what}`)
}
