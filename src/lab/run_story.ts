import { messageOf } from '../model/error.ts'
import { createWorld } from './create_world.ts'
import type { WorldSettings } from './create_world.ts'
import type { Mode } from './modes.ts'
import { playStory } from './runner.ts'
import type { Assertions, StoryReport } from './runner.ts'
import type { Scenario } from './scenario.ts'

/** Plays one story in one mode, in a world of its own. A story that cannot be played is one that does not hold. */
export async function runStory(
  story: Scenario,
  mode: Mode,
  backend: Pick<WorldSettings, 'databaseUrl' | 'temporaryFolder'>,
  observe?: Assertions['observe'],
): Promise<StoryReport> {
  try {
    const { world, profile, notes } = await createWorld(story, { ...backend, mode })
    await using closing = world
    const report = await playStory(story, closing, profile, {
      mode: mode.name,
      emissions: true,
      deliveries: mode.name === 'run',
      ...(observe === undefined ? {} : { observe }),
    })
    return { ...report, notes: [...notes, ...report.notes] }
  } catch (error) {
    return failedReport({ story: story.id, title: story.title, mode: mode.name, open: story.open }, messageOf(error))
  }
}

/** What is reported of a story that could not be played. */
export function failedReport(of: Pick<StoryReport, 'story' | 'title' | 'mode' | 'open'>, message: string): StoryReport {
  return { ...of, ok: false, asserted: 0, steps: [], faults: [message], notes: [] }
}
