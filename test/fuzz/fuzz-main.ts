/**
 * Command: `npm run fuzz -- --cases N --target X --seed S`. Feeds every target, or those that are named, with input made of
 * chance and tells how fast. A failure is printed with its smallest input and its seed, kept in the corpus, and makes the
 * command fail; the other targets are fed all the same.
 */
import process from "node:process";
import { Command, InvalidArgumentError, Option } from "commander";
import { keep } from "./corpus.ts";
import { keepRecord } from "./fuzz-record.ts";
import { runTarget, type RunResult } from "./run-target.ts";
import { TARGETS } from "./target-list.ts";
import type { Target } from "./target.ts";
import { startWatchdog, type Watchdog } from "./watchdog.ts";
import { wholeNumber } from "../support/whole-number.ts";

interface Options {
  readonly cases?: number;
  readonly target: readonly Target[];
  readonly seed: number;
  readonly keep: boolean;
  readonly record: boolean;
}

const SECOND_MS = 1_000;
/** Of an error's text and stack, as many lines as tell where it comes from. */
const ERROR_LINES = 12;
/** `--cases` is spread by the targets' shares. */
const shares = (targets: readonly Target[]): number => targets.reduce((sum, { share }) => sum + share, 0);

function targetsNamed(text: string): readonly Target[] {
  return text.split(",").map((name) => {
    const found = TARGETS.find((each) => each.name === name.trim());
    if (found === undefined) throw new InvalidArgumentError(`There is no ${name}; there are: ${TARGETS.map((each) => each.name).join(", ")}.`);
    return found;
  });
}

function casesFor(target: Target, { cases, target: chosen }: Options): number {
  return cases === undefined ? target.share : Math.max(1, Math.round((cases * target.share) / shares(chosen)));
}

const thousands = (value: number): string => String(Math.round(value)).replaceAll(/\B(?=(?:\d{3})+$)/g, " ");

/** A bar that is drawn over itself; where nobody watches, nothing is drawn. */
function draw(target: Target, done: number, cases: number, startedAtMs: number): void {
  if (!process.stderr.isTTY) return;
  const filled = Math.round((done / cases) * 30);
  const rate = done / ((performance.now() - startedAtMs) / SECOND_MS);
  process.stderr.write(`\r${target.name.padEnd(16)} ${"█".repeat(filled)}${"░".repeat(30 - filled)} ${thousands(done)} / ${thousands(cases)}, ${thousands(rate)} a second `);
}

function tell(target: Target, result: RunResult, kept: string | null): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${" ".repeat(100)}\r`);
  const { cases, elapsedMs, accepted, grownMib, rssMaxMib, failure } = result;
  const rate = cases / (elapsedMs / SECOND_MS);
  process.stdout.write(`${target.name.padEnd(16)} ${thousands(cases).padStart(9)} cases  ${thousands(rate).padStart(7)} a second  ${((100 * accepted) / cases).toFixed(0).padStart(3)} % accepted  heap ${grownMib >= 0 ? "+" : ""}${grownMib.toFixed(1).padStart(5)} MiB  RSS at most ${rssMaxMib.toFixed(0)} MiB  ${(elapsedMs / SECOND_MS).toFixed(0).padStart(4)} s  ${failure === null ? "good" : "FAILED"}\n`);
  if (failure === null) return;
  process.stdout.write(`  what: ${failure.error.split("\n").slice(0, ERROR_LINES).join("\n  ")}\n  input: ${JSON.stringify(failure.input)}\n  again: npm run fuzz -- --target ${target.name} --seed ${failure.seed} --cases ${Math.min(cases, 5_000)}\n${kept === null ? "" : `  kept as ${kept}\n`}`);
}

async function feed(target: Target, options: Options, watchdog: Watchdog): Promise<RunResult> {
  const cases = casesFor(target, options);
  const startedAtMs = performance.now();
  const result = await runTarget(target, {
    cases,
    seed: options.seed,
    onCase: () => watchdog.beat(),
    onProgress: (done) => {
      watchdog.about(`${target.name}, seed ${options.seed} + ${done}`);
      draw(target, done, cases, startedAtMs);
    },
  });
  const { failure } = result;
  tell(target, result, failure === null || failure.input === null || !options.keep ? null : keep(target.name, (failure.error.split("\n")[0] ?? "").replace(/^AssertionError \[ERR_ASSERTION\]: /, ""), failure.input));
  return result;
}

async function main(options: Options): Promise<void> {
  if (options.record && options.target.length < TARGETS.length) command.error("--record is for a run of all targets: leave --target out.");
  const watchdog = startWatchdog();
  const byTarget = new Map<Target, RunResult>();
  process.stdout.write(`seed ${options.seed}, Node ${process.version}\n`);
  for (const target of options.target) {
    watchdog.about(`${target.name}, seed ${options.seed}`);
    byTarget.set(target, await feed(target, options, watchdog));
  }
  await watchdog.stop();
  if (options.record) keepRecord(options.seed, byTarget);
  const results = [...byTarget.values()];
  const cases = results.reduce((sum, result) => sum + result.cases, 0);
  const failed = results.filter(({ failure }) => failure !== null).length;
  process.stdout.write(`${thousands(cases)} cases in ${thousands(results.reduce((sum, result) => sum + result.elapsedMs, 0) / SECOND_MS)} s; ${failed === 0 ? "nothing found" : `${failed} target(s) failed`}\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}

const command = new Command("fuzz")
  .description("Feeds what comes from outside with input made of chance.")
  .option("--cases <n>", `how many cases in all, spread over the targets (default: ${thousands(shares(TARGETS))})`, wholeNumber)
  .addOption(new Option("--target <names>", `a comma list of: ${TARGETS.map(({ name }) => name).join(", ")}`).argParser(targetsNamed).default(TARGETS, "all"))
  .option("--seed <n>", "where chance begins", wholeNumber, (Date.now() % 1_000_000_000) + 1)
  .option("--record", "write what it came to into record.json, which README.md shows (npm run docs)", false)
  .option("--no-keep", "do not keep what fails in the corpus")
  .action(main);
await command.parseAsync();
