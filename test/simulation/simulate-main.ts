/**
 * Command: `npm run simulate -- --seeds N --minutes M --seed S` runs N clusters through M simulated minutes each, one seed
 * after the other from S, on all cores, and prints the sum. A broken promise prints the shortest list of faults that still
 * breaks it and the command that replays the whole run, and ends with exit code 1.
 */
import process from "node:process";
import { Command } from "commander";
import { isCold } from "./campaign.ts";
import { runBatch } from "./pool.ts";
import { keepRecord, yearsOf } from "./record.ts";
import { asScenario, shrink } from "./shrink.ts";
import type { RunResult } from "./story.ts";
import { wholeNumber } from "../support/whole-number.ts";

interface Options {
  readonly seeds: number;
  readonly minutes: number;
  readonly seed: number;
  readonly threads?: number;
  readonly transcript: boolean;
  readonly shrink: boolean;
  readonly record: boolean;
  readonly coldStandby: boolean;
}

interface Sum {
  runs: number;
  simulatedMs: number;
  moves: number;
  readonly claims: Record<string, number>;
  readonly judged: Record<string, number>;
  readonly starts: Record<string, number>;
  readonly broken: RunResult[];
}

const BAR = 30;
/** Shrinking takes dozens of runs: the first few failures are usually one. */
const SHRUNK_MAX = 3;

function add(sum: Sum, result: RunResult): void {
  sum.runs += 1;
  sum.simulatedMs += result.simulatedMs;
  sum.moves += result.moves;
  for (const [cause, times] of Object.entries(result.claims)) sum.claims[cause] = (sum.claims[cause] ?? 0) + times;
  for (const [how, times] of Object.entries(result.judged)) sum.judged[how] = (sum.judged[how] ?? 0) + times;
  for (const [how, times] of Object.entries(result.starts)) sum.starts[how] = (sum.starts[how] ?? 0) + times;
  if (result.broken.length > 0) sum.broken.push(result);
}

function drawBar(sum: Sum, options: Options): void {
  if (!process.stderr.isTTY) return;
  const done = Math.round((BAR * sum.runs) / options.seeds);
  process.stderr.write(`\r[${"#".repeat(done)}${".".repeat(BAR - done)}] ${sum.runs}/${options.seeds} runs, ${sum.broken.length} broken${sum.runs === options.seeds ? "\n" : ""}`);
}

function printSum(sum: Sum, elapsedMs: number): void {
  const list = (counts: Readonly<Record<string, number>>, names: readonly string[]): string => names.map((name) => `${counts[name] ?? 0} ${name}`).join(", ");
  const lines = [
    `runs             ${sum.runs}`,
    `simulated time   ${(sum.simulatedMs / 3_600_000).toFixed(1)} hours (${yearsOf(sum.simulatedMs / 3_600_000)} years), ${Math.round(sum.simulatedMs / elapsedMs)} times as fast as real time`,
    `address moved    ${sum.moves} times, operators' moves included`,
    `claims by cause  ${list(sum.claims, ["consent", "quorum", "vacant", "switchover", "takeover"])}`,
    `claims judged    ${list(sum.judged, ["needed", "vacant", "asked", "raced", "blind", "broken"])}`,
    `needless moves   ${(sum.judged["blind"] ?? 0) + (sum.judged["raced"] ?? 0)} claims that no promise covers (raced: overtaken by news under way; blind: nobody could tell)`,
    `standby started  ${list(sum.starts, ["needed", "raced", "blind", "broken"])} (COLD_STANDBY)`,
    `broken promises  ${sum.broken.length} run(s)`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

function printBroken(result: RunResult, minutes: number): void {
  process.stdout.write(`\nseed ${result.seed}:\n${result.broken.map((sentence) => `  ${sentence}`).join("\n")}\n  replay: npm run simulate -- --seed ${result.seed} --seeds 1 --minutes ${minutes} --transcript\n`);
}

function printShrunk(result: RunResult): void {
  const shrunk = shrink(result);
  const lines = shrunk === null ? ["  it does not break again when replayed: that is a defect of the simulator"] : [`  shortest script that still breaks it (${shrunk.runs} runs tried): ${shrunk.broken}`, ...asScenario(shrunk.script).map((line) => `    ${line}`)];
  process.stdout.write(`${lines.join("\n")}\n`);
}

async function main(): Promise<void> {
  const command = new Command("simulate")
    .description("Runs simulated clusters through random faults and checks every promise of the design.")
    .option("--seeds <n>", "how many runs", wholeNumber, 1_000)
    .option("--minutes <m>", "simulated minutes of each run", wholeNumber, 10)
    .option("--seed <s>", "the first seed; equal seeds give equal runs", wholeNumber, 1)
    .option("--threads <t>", "worker threads (default: one a core)", wholeNumber)
    .option("--transcript", "print what happened in each run", false)
    .option("--no-shrink", "do not look for the shortest script of a broken run")
    .option("--record", "write what it came to into record.json, which README.md shows (npm run docs)", false)
    .option("--cold-standby", "only seeds whose cluster keeps its standby stopped (one in ten)", false)
    .parse();
  const options = command.opts<Options>();
  const sum: Sum = { runs: 0, simulatedMs: 0, moves: 0, claims: {}, judged: {}, starts: {}, broken: [] };
  const startedAtMs = performance.now();
  const { seed: firstSeed, seeds, minutes, threads, transcript: transcripts } = options;
  await runBatch({ firstSeed, seeds, minutes, transcripts, ...(threads === undefined ? {} : { threads }), ...(options.coldStandby ? { only: isCold } : {}) }, (result) => {
    add(sum, result);
    drawBar(sum, options);
    if (transcripts) process.stdout.write(`${result.transcript.join("\n")}\n`);
  });
  const elapsedMs = performance.now() - startedAtMs;
  printSum(sum, elapsedMs);
  if (options.record) keepRecord({ seeds, minutes, simulatedHours: sum.simulatedMs / 3_600_000, wallMinutes: elapsedMs / 60_000, timesRealTime: Math.round(sum.simulatedMs / elapsedMs), moves: sum.moves, claims: sum.claims, judged: sum.judged, brokenRuns: sum.broken.length });
  for (const [index, result] of sum.broken.toSorted((a, b) => a.seed - b.seed).entries()) {
    printBroken(result, minutes);
    if (options.shrink && index < SHRUNK_MAX) printShrunk(result);
  }
  if (sum.broken.length > 0) process.exitCode = 1;
}

await main();
