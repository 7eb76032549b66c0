import { describe, expect, it } from 'vitest'
import { ALL_FAULTS, GIVEN, OWN, PLAIN, play, SOME_FAULTS } from './play.ts'

describe('every story holds on the embedded store, through every faulty network', () => {
  it('are the 24 that the project began with, and ours', () => {
    expect(GIVEN).toHaveLength(24)
    expect(OWN.length).toBeGreaterThan(50)
  })

  it.each(GIVEN.map((story) => [story.id, story] as const))('%s', async (_id, story) => {
    await play(story, PLAIN, null)
    await play(story, ALL_FAULTS, null)
  })

  it.each(OWN.map((story) => [story.id, story] as const))('%s', async (_id, story) => {
    await play(story, PLAIN, null)
    await play(story, SOME_FAULTS, null)
  })
})
