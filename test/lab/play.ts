/** What the story suites of both backends share. */
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { textReport } from '../../src/lab/report.ts'
import { modesOf } from '../../src/lab/modes.ts'
import type { ModeRequest } from '../../src/lab/modes.ts'
import { runStory } from '../../src/lab/run_story.ts'
import { readScenario } from '../../src/lab/scenario.ts'

const FOLDER = join(import.meta.dirname, '../../scenarios')
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'))

/** Stories from 20 on are our own: they are many, and played in fewer ways. */
const isOwn = (name: string): boolean => Number(/-(\d+)/.exec(name)?.[1]) >= 20
const read = (name: string) => readScenario(join(FOLDER, name))
export const GIVEN = FILES.filter((name) => !isOwn(name)).map(read)
export const OWN = FILES.filter(isOwn).map(read)

export const PLAIN: ModeRequest = { seed: 'test' }
export const ALL_FAULTS: ModeRequest = {
  ...PLAIN,
  shuffle: 3,
  duplicate: true,
  dropThenRetry: true,
  tamper: true,
  wrongSecret: true,
  slowMs: 30_000,
}

export const SOME_FAULTS: ModeRequest = { ...PLAIN, shuffle: 1, dropThenRetry: true, tamper: true }

/** Plays a story in all modes of the request; every asserted line must hold. */
export async function play(
  story: (typeof GIVEN)[number],
  request: ModeRequest,
  databaseUrl: string | null,
): Promise<void> {
  for (const mode of modesOf(request)) {
    const report = await runStory(story, mode, { databaseUrl, temporaryFolder: tmpdir() })
    expect(report.asserted).toBeGreaterThan(0)
    expect(report.ok, textReport(report)).toBe(true)
  }
}
