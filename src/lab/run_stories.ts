import { createWorld } from './create_world.ts'
import type { WorldSettings } from './create_world.ts'
import type { Mode } from './modes.ts'
import { playStory } from './runner.ts'
import type { Assertions, StoryReport } from './runner.ts'
import type { Scenario } from './scenario.ts'

/** Plays one story in one mode, in a world of its own. */
export async function runStory(
  story: Scenario,
  mode: Mode,
  backend: Pick<WorldSettings, 'databaseUrl' | 'temporaryFolder'>,
  observe?: Assertions['observe'],
): Promise<StoryReport> {
  const { world, profile, notes } = await createWorld(story, { ...backend, mode })
  await using closing = world
  const report = await playStory(story, closing, profile, {
    mode: mode.name,
    emissions: true,
    deliveries: mode.name === 'run',
    ...(observe === undefined ? {} : { observe }),
  })
  return { ...report, notes: [...notes, ...report.notes] }
}
