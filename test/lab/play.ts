/** What the story suites of both backends share. */
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { textReport } from '../../src/lab/report.ts'
import { modesOf } from '../../src/lab/modes.ts'
import type { ModeRequest } from '../../src/lab/modes.ts'
import { runStory } from '../../src/lab/run_stories.ts'
import { readScenario } from '../../src/lab/scenario.ts'

const FOLDER = join(import.meta.dirname, '../../scenarios')
export const STORIES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => readScenario(join(FOLDER, name)))

export const PLAIN: ModeRequest = {
  shuffle: 0,
  duplicate: false,
  dropThenRetry: false,
  tamper: false,
  wrongSecret: false,
  slowMs: 0,
  seed: 'test',
}
export const ALL_FAULTS: ModeRequest = {
  ...PLAIN,
  shuffle: 3,
  duplicate: true,
  dropThenRetry: true,
  tamper: true,
  wrongSecret: true,
  slowMs: 30_000,
}

/** Plays a story in all modes of the request; every asserted line must hold. */
export async function play(
  story: (typeof STORIES)[number],
  request: ModeRequest,
  databaseUrl: string | null,
): Promise<void> {
  for (const mode of modesOf(request)) {
    const report = await runStory(story, mode, { databaseUrl, temporaryFolder: tmpdir() })
    expect(report.asserted).toBeGreaterThan(0)
    expect(report.ok, textReport(report)).toBe(true)
  }
}
