import type { Reaction, Receiver } from 'billhook/receiver'

/** The app's users that a reaction is about. */
export async function usersOf(receiver: Receiver, { source, fact }: Reaction): Promise<readonly string[]> {
  return fact.customer === null ? [] : receiver.users({ source, customer: fact.customer })
}

/** True for news: not for what is taken back, and not for what an operator has told again. */
export function isNews({ retracted, replay }: Reaction): boolean {
  return !retracted && !replay
}
