/**
 * Folds N random billing histories, each shuffled with a tenth of its deliveries doubled, and asks for access at a random
 * instant: ours against what is true, beside two receivers as they are commonly written. Ends with 1 if one sure answer is
 * wrong or one order gives another ledger.
 *
 *     node bench/histories.ts [N, default 10000] [first seed, default 1]
 */
import { accessOf } from '../src/ledger/access.ts'
import { asOf, fold } from '../src/ledger/fold.ts'
import { addMs, DAY_MS } from '../src/model/instant.ts'
import type { Instant } from '../src/model/instant.ts'
import { canonicalJson } from '../src/model/json.ts'
import type { Observation } from '../src/model/observations.ts'
import { DEFAULT_POLICY } from '../src/model/policy.ts'
import { historyOf, randomOf, RETRY_WINDOW_MS, shuffled } from '../test/ledger/histories.ts'
import type { History } from '../test/ledger/histories.ts'

const count = Number(process.argv[2] ?? 10_000)
const first = Number(process.argv[3] ?? 1)
if (!Number.isInteger(count) || count < 1 || !Number.isInteger(first)) {
  console.error('usage: node bench/histories.ts [N] [first seed], whole numbers')
  process.exit(2)
}

/** One in so many histories is also folded in two orders and compared in every byte. */
const COMPARE_EVERY = 10
/** Deliveries come up to this late in the comparison with common receivers. */
const LATE_MS = 2000

const tally = { answers: 0, sure: 0, wrongSure: 0, wrong: 0, byArrival: 0, byStamp: 0, differing: 0, observations: 0 }
const started = performance.now()
for (let seed = first; seed < first + count; seed += 1) {
  const history = historyOf(seed)
  const random = randomOf(seed * 31 + 7)
  judge(history, random, seed)
  if (seed % COMPARE_EVERY === 0) compareOrders(history, random)
}
const seconds = (performance.now() - started) / 1000
const share = (part: number): string => `${((100 * part) / tally.answers).toFixed(2)} %`
console.log(
  `histories            ${count} (seeds ${first} to ${first + count - 1}), ${tally.observations} observations`,
)
console.log(`answers              ${tally.answers}, sure ${share(tally.sure)}`)
console.log(`wrong, though sure   ${tally.wrongSure}`)
console.log(`wrong in all         ${tally.wrong} (${share(tally.wrong)})`)
console.log(`  by arrival         ${share(tally.byArrival)}`)
console.log(`  by newer stamp     ${share(tally.byStamp)}`)
console.log(`orders that differ   ${tally.differing}`)
console.log(`time                 ${seconds.toFixed(1)} s, ${((1000 * seconds) / count).toFixed(3)} ms per history`)
process.exitCode = tally.wrongSure + tally.differing > 0 ? 1 : 0

function judge(history: History, random: () => number, seed: number): void {
  const truth = history.truths[Math.floor(random() * history.truths.length)]
  if (truth === undefined) return
  const last = history.truths.findLast((each) => each.at === truth.at) ?? truth
  const next = history.truths.find((each) => each.at > truth.at)?.at ?? addMs(truth.at, 60 * DAY_MS)
  const at = addMs(truth.at, Math.floor(random() * (next - truth.at)))
  const told = asOf(history.observations, truth.at)
  const arrived = arrivals(told, random)
  const expected = last.allowed(at)
  const { allowed, sure } = answer(arrived, at)
  tally.answers += 1
  tally.observations += told.length
  if (sure) tally.sure += 1
  if (allowed !== expected) tally.wrong += 1
  if (naive(arrived, at, 'arrival') !== expected) tally.byArrival += 1
  if (naive(arrived, at, 'stamp') !== expected) tally.byStamp += 1
  if (sure && allowed !== expected) {
    tally.wrongSure += 1
    console.error(`seed ${seed}: at ${new Date(at).toISOString()} sure of ${allowed}, true is ${expected}`)
  }
}

function answer(
  observations: readonly Observation[],
  at: Instant,
): { readonly allowed: boolean; readonly sure: boolean } {
  return accessOf({
    links: [
      { source: 'main', customer: null, state: fold(observations).state, traits: { retryWindowMs: RETRY_WINDOW_MS } },
    ],
    holds: [],
    policy: DEFAULT_POLICY,
    at,
    feature: null,
  })
}

/** As a network delivers: each a little late, a tenth of them twice. */
function arrivals(observations: readonly Observation[], random: () => number): readonly Observation[] {
  return observations
    .flatMap((observation) => (random() < 0.1 ? [observation, observation] : [observation]))
    .map((observation) => ({ observation, at: observation.stamp + random() * LATE_MS }))
    .sort((a, b) => a.at - b.at)
    .map(({ observation }) => observation)
}

/** The last word counts: by arrival, or by a greater stamp. Access is the status, and the provider's period plus a day. */
function naive(observations: readonly Observation[], at: Instant, by: 'arrival' | 'stamp'): boolean {
  let known: Record<string, unknown> = {}
  let stamp = -Infinity
  for (const observation of observations) {
    if (observation.kind === 'happening' || observation.object !== 'subscription') continue
    if (by === 'stamp' && observation.stamp <= stamp) continue
    stamp = observation.stamp
    known = { ...known, ...(observation.kind === 'snapshot' ? observation.value : observation.fields) }
  }
  const period = known['period'] as { readonly until: number } | null | undefined
  if (known['status'] === 'trialing' || known['status'] === 'active') {
    return period === null || period === undefined || at < period.until + DAY_MS
  }
  return known['status'] === 'past_due'
}

function compareOrders(history: History, random: () => number): void {
  const doubled = history.observations.flatMap((each) => (random() < 0.1 ? [each, structuredClone(each)] : [each]))
  const [one, other] = [fold(history.observations), fold(shuffled(doubled, random))]
  const texts = [one, other].map(({ registers, facts, state }) =>
    canonicalJson([[...registers].sort(byKey), facts, state]),
  )
  if (texts[0] !== texts[1]) tally.differing += 1
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}
