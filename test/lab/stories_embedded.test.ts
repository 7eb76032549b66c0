import { describe, it } from 'vitest'
import { ALL_FAULTS, PLAIN, play, STORIES } from './play.ts'

describe('every story holds on the embedded store, through every faulty network', () => {
  it.each(STORIES.map((story) => [story.id, story] as const))('%s', async (_id, story) => {
    await play(story, PLAIN, null)
    await play(story, ALL_FAULTS, null)
  })
})
