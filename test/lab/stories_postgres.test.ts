import { describe, inject, it } from 'vitest'
import { PLAIN, play, STORIES } from './play.ts'

describe('every story holds on PostgreSQL, through every faulty network', () => {
  it.each(STORIES.map((story) => [story.id, story] as const))('%s', async (_id, story) => {
    await play(story, PLAIN, inject('postgresUrl'))
    await play(story, { ...PLAIN, shuffle: 1, duplicate: true, dropThenRetry: true }, inject('postgresUrl'))
  })
})
