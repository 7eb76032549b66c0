import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { junitReport, textReport } from '../lab/report.ts'
import type { StoryReport } from '../lab/runner.ts'
import { modesOf } from '../lab/modes.ts'
import { failedReport, runStory } from '../lab/run_stories.ts'
import { readScenario } from '../lab/scenario.ts'
import type { Scenario } from '../lab/scenario.ts'
import { isBillhookError } from '../model/error.ts'
import { parseDuration, requireDuration } from '../model/duration.ts'
import { EXIT, UsageError } from './io.ts'
import type { CliIo, ExitCode } from './io.ts'

interface RunOptions {
  readonly shuffle?: string
  readonly duplicate?: boolean
  readonly dropThenRetry?: boolean
  readonly tamper?: boolean
  readonly wrongSecret?: boolean
  readonly slow?: string
  readonly seed: string
  readonly databaseUrl?: string
  readonly json?: boolean
  readonly junit?: string
}

/**
 * `billhook run`: plays stories through both ends.
 * Exit code 0 only if every asserted line held, 1 if one did not, 2 on wrong use or a file that is no story.
 */
export function addRun(program: Command, io: CliIo, end: (code: ExitCode) => void): void {
  program
    .command('run')
    .description('play stories: what is emitted in which order, and who then has access (exit code 0: all held)')
    .argument('<file...>', 'story files, or folders of them')
    .option('--shuffle <n>', 'play with n random orders of delivery')
    .option('--duplicate', 'deliver everything twice, and once more later')
    .option('--drop-then-retry', 'lose the first attempt at each delivery')
    .option('--tamper', 'send a changed copy ahead of each delivery; all must be refused')
    .option('--wrong-secret', 'send a copy sealed with a wrong secret ahead of each delivery; all must be refused')
    .option('--slow <duration>', 'answer only after this time (30s, PT30S), so that the sender tries again')
    .option('--seed <text>', 'what randomness follows from', 'billhook')
    .option('--database-url <url>', 'play on PostgreSQL instead of the embedded store')
    .option('--json', 'print one JSON object per story and mode')
    .option('--junit <file>', 'also write a JUnit file')
    .action(async (files: readonly string[], options: RunOptions) => {
      const stories = files.flatMap(storyFiles).map(read)
      const unreadable = stories.filter((story) => 'faults' in story)
      const modes = modesOf({
        shuffle: options.shuffle === undefined ? 0 : Number(options.shuffle),
        duplicate: options.duplicate ?? false,
        dropThenRetry: options.dropThenRetry ?? false,
        tamper: options.tamper ?? false,
        wrongSecret: options.wrongSecret ?? false,
        slowMs: options.slow === undefined ? 0 : slowness(options.slow),
        seed: options.seed,
      })
      const reports: StoryReport[] = []
      const told = (report: StoryReport): void => {
        reports.push(report)
        io.out(`${options.json === true ? JSON.stringify(report) : textReport(report)}\n`)
      }
      for (const story of stories) {
        if ('faults' in story) told(story)
        else {
          for (const mode of modes) {
            if (io.signal.aborted) throw new UsageError('interrupted')
            const report = await runStory(story, mode, {
              databaseUrl: options.databaseUrl ?? io.env['BILLHOOK_RUN_DATABASE_URL'] ?? null,
              temporaryFolder: tmpdir(),
            })
            told(report)
          }
        }
      }
      if (options.junit !== undefined) writeFileSync(options.junit, junitReport(reports))
      const failed = reports.filter(({ ok }) => !ok).length
      if (options.json !== true) io.out(`${reports.length - failed} passed, ${failed} failed\n`)
      end(unreadable.length > 0 ? EXIT.usage : failed > 0 ? EXIT.failed : EXIT.ok)
    })
}

/** A story, or what is reported of a file that is none: the others are played all the same. */
function read(path: string): Scenario | StoryReport {
  try {
    return readScenario(path)
  } catch (error) {
    if (!isBillhookError(error)) throw error
    return failedReport({ story: path, title: 'not a story', mode: 'run', open: [] }, error.message)
  }
}

function storyFiles(path: string): readonly string[] {
  let folder: boolean
  try {
    folder = statSync(path).isDirectory()
  } catch {
    throw new UsageError(`${path} is not there`)
  }
  if (!folder) return [path]
  const found = readdirSync(path)
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => join(path, name))
  if (found.length === 0) throw new UsageError(`the folder ${path} has no story (*.yaml)`)
  return found
}

function slowness(text: string): number {
  const seconds = /^(\d{1,6})s$/.exec(text)?.[1]
  return seconds === undefined ? (parseDuration(text) ?? requireDuration(text, '--slow')) : Number(seconds) * 1000
}
