import { describe, inject, it } from 'vitest'
import { ALL_FAULTS, GIVEN, OWN, PLAIN, play } from './play.ts'

describe('every story holds on PostgreSQL, through every faulty network', () => {
  it.each(GIVEN.map((story) => [story.id, story] as const))('%s', async (_id, story) => {
    await play(story, PLAIN, inject('postgresUrl'))
    await play(story, { ...ALL_FAULTS, shuffle: 1 }, inject('postgresUrl'))
  })

  it.each(OWN.map((story) => [story.id, story] as const))('%s', async (_id, story) => {
    await play(story, { ...PLAIN, shuffle: 1 }, inject('postgresUrl'))
  })
})
