/**
 * What a fold costs, as a ratio to the least a receiver can do with the same observations: last write wins in a map. One
 * customer with a year of monthly billing as a provider of many events tells it.
 *
 *     node bench/ledger.ts
 */
import { fold } from '../src/ledger/fold.ts'
import { joinMany } from '../src/ledger/register.ts'
import { instant } from '../src/model/instant.ts'
import type { Instant } from '../src/model/instant.ts'
import type { Observation } from '../src/model/observations.ts'
import { invoice, MONTH, payment, subscription, succeeded } from '../test/ledger/build.ts'

const ROUNDS = 400

function year(): readonly Observation[] {
  return Array.from({ length: 12 }, (_, month) => {
    const at = (hour: number): Instant => instant(Date.UTC(2026, month, 1, hour))
    const period = { from: at(0), until: instant(Date.UTC(2026, month + 1, 1)) }
    const id = `in_${month}`
    const shown = {
      status: 'active',
      period,
      interval: MONTH,
      anchor: instant(Date.UTC(2026, 0, 1)),
      latestInvoice: id,
    } as const
    const bill = { reason: 'cycle', period } as const
    return [
      invoice(at(0), { ...bill, status: 'draft' }, { id, verb: 'created' }),
      subscription(at(0), shown, { previous: { latestInvoice: `in_${month - 1}` } }),
      ...[0, 1, 2].map((attempts) => invoice(at(1), { ...bill, status: 'open', attempts }, { id })),
      payment(at(1), { status: 'initiated', invoice: 'unknown' }, { id: `pi_${month}`, verb: 'created' }),
      payment(at(1), { status: 'succeeded', invoice: 'unknown', alias: `pi_${month}` }, { id: `ch_${month}` }),
      payment(at(1), { status: 'succeeded', invoice: 'unknown', alias: `ch_${month}` }, { id: `pi_${month}` }),
      ...[0, 1, 2].map(() => invoice(at(1), { ...bill, status: 'paid', attempts: 1 }, { id })),
      succeeded(at(1), { invoice: id, paidThrough: period.until }),
      ...[1, 2, 3, 4, 5].map((quantity) =>
        subscription(at(10 + quantity), { ...shown, quantity }, { previous: { quantity: quantity - 1 } }),
      ),
    ]
  }).flat()
}

function lastWriteWins(observations: readonly Observation[]): number {
  const objects = new Map<string, unknown>()
  for (const observation of observations) {
    if (observation.kind === 'happening') objects.set(observation.key, observation)
    else
      objects.set(
        `${observation.object}:${observation.id}`,
        observation.kind === 'snapshot' ? { ...observation.value } : observation.fields,
      )
  }
  return objects.size
}

/** CPU milliseconds of one call, the median of several rounds. */
function cost(work: () => unknown): number {
  for (let round = 0; round < ROUNDS / 4; round += 1) work()
  const rounds = Array.from({ length: 9 }, () => {
    const before = process.cpuUsage()
    for (let round = 0; round < ROUNDS / 8; round += 1) work()
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000 / (ROUNDS / 8)
  })
  return rounds.sort((a, b) => a - b)[4] ?? Number.NaN
}

const observations = year()
const bare = cost(() => lastWriteWins(observations))
const rows = [
  ['last write wins', bare],
  ['registers, one by one', cost(() => joinMany(new Map(), observations))],
  ['fold: registers, facts, state', cost(() => fold(observations))],
] as const
console.log(`${observations.length} observations, CPU per run`)
for (const [name, ms] of rows) console.log(`${name.padEnd(32)}${ms.toFixed(3)} ms   ${(ms / bare).toFixed(1)} x`)
