import type { AccessAnswer } from '../model/access.ts'
import { BillhookError } from '../model/error.ts'
import type { DerivedFact, FactKind } from '../model/facts.ts'
import type { ObjectValues } from '../model/objects.ts'
import type { Transaction } from '../ports/transaction.ts'

type ObjectValue = ObjectValues[keyof ObjectValues]

/** One fact, told to a handler. It may be told more than once: {@link key} stays the same. */
export interface Reaction<K extends FactKind = FactKind> {
  readonly account: string
  readonly source: string
  readonly fact: DerivedFact<K>
  /** The same for every telling of the same thing: what a handler deduplicates its effects by. */
  readonly key: string
  /** True: this was told before, and what was received since disproves it. */
  readonly retracted: boolean
  /** True: an operator has it told again. */
  readonly replay: boolean
  /** 1 for the first. */
  readonly attempt: number
  /** The customer's access before and after the fold that brought the fact; null where no customer is known. */
  readonly before: AccessAnswer | null
  readonly after: AccessAnswer | null
  /** The object that the fact is about: before that fold, and as it is known now. Null if nothing is known of it. */
  readonly objectBefore: ObjectValue | null
  readonly object: ObjectValue | null
  /** Aborted when the handler's time is over or the process shuts down. */
  readonly signal: AbortSignal
  /**
   * Runs `work` in a transaction of the store that also notes this handler as done: what it writes therein happens
   * exactly once. Call it at most once, after everything else, and keep it short.
   *
   * @throws BillhookError `conflict` if another process has taken the reaction over meanwhile; nothing was written
   */
  readonly transaction: <T>(work: (transaction: Transaction) => Promise<T>) => Promise<T>
}

/** Does something about a fact. A throw has it told again later. */
export type Handler<K extends FactKind = FactKind> = (reaction: Reaction<K>) => Promise<void> | void

/** Learns that a handler failed. What it throws itself is logged and otherwise ignored. */
export type ErrorHandler = (
  error: unknown,
  reaction: Reaction,
  failure: {
    readonly handler: string
    /** True: it is not tried again by itself. */
    readonly dead: boolean
  },
) => Promise<void> | void

/** A handler as it is registered. */
export interface NamedHandler {
  readonly name: string
  /** Null: facts of every kind. */
  readonly kind: FactKind | null
  readonly handle: Handler
}

/** The application's handlers. Register them before the inbox is started: facts that nobody wants are not put by. */
export class HandlerBook {
  readonly #handlers: NamedHandler[] = []
  readonly #errorHandlers: ErrorHandler[] = []

  /**
   * Handles facts of one kind.
   *
   * @param name what its progress is noted under; the same after a restart. Default: the kind and a running number
   * @throws BillhookError `config_invalid` if the name is taken
   */
  on<K extends FactKind>(kind: K, handler: Handler<K>, name?: string): this {
    return this.#add(kind, name, (reaction) => (isOf(reaction, kind) ? handler(reaction) : undefined))
  }

  /** Handles facts of every kind. */
  onAny(handler: Handler, name?: string): this {
    return this.#add(null, name, handler)
  }

  onError(handler: ErrorHandler): this {
    this.#errorHandlers.push(handler)
    return this
  }

  /** Whether anybody handles facts of this kind. */
  wants(kind: FactKind): boolean {
    return this.#handlers.some((handler) => handler.kind === null || handler.kind === kind)
  }

  /** In the order of their registration. */
  handlersOf(kind: FactKind): readonly NamedHandler[] {
    return this.#handlers.filter((handler) => handler.kind === null || handler.kind === kind)
  }

  errorHandlers(): readonly ErrorHandler[] {
    return this.#errorHandlers
  }

  #add(kind: FactKind | null, wanted: string | undefined, handle: Handler): this {
    const same = this.#handlers.filter((handler) => handler.kind === kind).length
    const name = wanted ?? `${kind ?? 'any'}#${same + 1}`
    if (this.#handlers.some((handler) => handler.name === name))
      throw new BillhookError('config_invalid', `two handlers are called ${name}; give each its own name`)
    this.#handlers.push({ name, kind, handle })
    return this
  }
}

function isOf<K extends FactKind>(reaction: Reaction, kind: K): reaction is Reaction<K> {
  return reaction.fact.kind === kind
}
