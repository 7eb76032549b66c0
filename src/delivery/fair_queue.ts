/** However busy it is, this many items of a lane may be out. */
const SHARE_MIN = 2

/** Parked lanes that are looked at again when an item is done: more than one, so that lanes without a right pass by. */
const UNPARKED = 4

/**
 * Work of many lanes (one per endpoint), taken in turns: a lane with a thousand items waits no less and no more than a
 * lane with one. A lane never has more items out than its cap, nor more than half of what is left of the limit over all
 * lanes: however many lanes never finish an item, some places stay free, and a lane that is alone may use half of them.
 *
 * Modes of a lane: idle (nothing waits), ready (in the ring: something waits and the cap is not reached), full (something
 * waits, the cap is reached; `done` makes it ready again), parked (something waits, but its share is used up; looked at
 * again as items of any lane are done). A lane that is idle with nothing out is forgotten.
 */
export class FairQueue<T> {
  readonly #limit: number
  readonly #lanes = new Map<string, Lane<T>>()
  #ring: Lane<T>[] = []
  #head = 0
  #parked: Lane<T>[] = []
  #waiting = 0
  #out = 0

  /** @param limit most items out at once, over all lanes */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Items that wait, over all lanes. */
  get waiting(): number {
    return this.#waiting
  }

  /** Items that were taken and are not done. */
  get out(): number {
    return this.#out
  }

  /** Items that wait in one lane. */
  depth(lane: string): number {
    const found = this.#lanes.get(lane)
    return found === undefined ? 0 : found.items.length - found.next
  }

  /** Lanes whose depth is at least `depth`. */
  lanesDeeperThan(depth: number): readonly string[] {
    const deep: string[] = []
    for (const lane of this.#lanes.values()) if (lane.items.length - lane.next >= depth) deep.push(lane.key)
    return deep
  }

  /** @param cap how many items of the lane may be out at once, from now on */
  push(key: string, item: T, cap: number): void {
    let lane = this.#lanes.get(key)
    if (lane === undefined) {
      lane = { key, items: [], next: 0, out: 0, cap, inRing: false }
      this.#lanes.set(key, lane)
    }
    lane.cap = cap
    lane.items.push(item)
    this.#waiting += 1
    this.#enter(lane)
  }

  /** Changes how many items of a lane may be out; what is out already stays out. */
  setCap(key: string, cap: number): void {
    const lane = this.#lanes.get(key)
    if (lane === undefined) return
    lane.cap = cap
    this.#enter(lane)
  }

  /** The next item in turn, or null if none is available. Each taken item must be ended with {@link done}. */
  take(): T | null {
    while (this.#out < this.#limit && this.#head < this.#ring.length) {
      const lane = this.#ring[this.#head]
      this.#head += 1
      if (this.#head > 1024 && this.#head * 2 > this.#ring.length) this.#compact()
      if (lane === undefined) continue
      lane.inRing = false
      if (lane.next >= lane.items.length || lane.out >= lane.cap) continue
      if (lane.out >= Math.max(SHARE_MIN, (this.#limit - this.#out) / 2)) {
        lane.inRing = true
        this.#parked.push(lane)
        continue
      }
      const item = lane.items[lane.next]
      lane.next += 1
      if (lane.next === lane.items.length) {
        lane.items = []
        lane.next = 0
      } else if (lane.next > 1024 && lane.next * 2 > lane.items.length) {
        lane.items = lane.items.slice(lane.next)
        lane.next = 0
      }
      this.#waiting -= 1
      this.#out += 1
      lane.out += 1
      this.#enter(lane)
      if (item !== undefined) return item
    }
    return null
  }

  /** One item of the lane is finished, whatever came of it. */
  done(key: string): void {
    const lane = this.#lanes.get(key)
    if (lane === undefined || lane.out === 0) return
    lane.out -= 1
    this.#out -= 1
    for (const parked of this.#parked.splice(0, UNPARKED)) {
      parked.inRing = false
      this.#enter(parked)
    }
    this.#enter(lane)
    if (lane.out === 0 && lane.items.length === lane.next) this.#lanes.delete(key)
  }

  /** Takes out everything that waits (a shutdown gives it back). */
  drain(): readonly T[] {
    const all = [...this.#lanes.values()].flatMap((lane) => lane.items.slice(lane.next))
    for (const lane of this.#lanes.values()) {
      lane.items = []
      lane.next = 0
    }
    this.#waiting = 0
    return all
  }

  #enter(lane: Lane<T>): void {
    if (lane.inRing || lane.next >= lane.items.length || lane.out >= lane.cap) return
    lane.inRing = true
    this.#ring.push(lane)
  }

  #compact(): void {
    this.#ring = this.#ring.slice(this.#head)
    this.#head = 0
  }
}

interface Lane<T> {
  readonly key: string
  items: T[]
  next: number
  out: number
  cap: number
  inRing: boolean
}
