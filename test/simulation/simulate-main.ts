/**
 * Command: `npm run simulate -- --seeds N --minutes M --seed S` runs N clusters through M simulated minutes each, one seed
 * after the other from S, on all cores, and prints the sum. A broken promise prints the command that replays it and ends
 * with exit code 1.
 */
import process from "node:process";
import { Command, InvalidArgumentError } from "commander";
import type { RunResult } from "./campaign.ts";
import { runBatch } from "./pool.ts";

interface Options {
  readonly seeds: number;
  readonly minutes: number;
  readonly seed: number;
  readonly threads?: number;
  readonly transcript: boolean;
}

interface Sum {
  runs: number;
  simulatedMs: number;
  moves: number;
  readonly claims: Record<string, number>;
  readonly judged: Record<string, number>;
  readonly broken: RunResult[];
}

const BAR = 30;

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("it must be a whole number of 1 or more.");
  return value;
}

function add(sum: Sum, result: RunResult): void {
  sum.runs += 1;
  sum.simulatedMs += result.simulatedMs;
  sum.moves += result.moves;
  for (const [cause, times] of Object.entries(result.claims)) sum.claims[cause] = (sum.claims[cause] ?? 0) + times;
  for (const [how, times] of Object.entries(result.judged)) sum.judged[how] = (sum.judged[how] ?? 0) + times;
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
    `simulated time   ${(sum.simulatedMs / 3_600_000).toFixed(1)} hours, ${Math.round(sum.simulatedMs / elapsedMs)} times as fast as real time`,
    `address moved    ${sum.moves} times, operators' moves included`,
    `claims by cause  ${list(sum.claims, ["consent", "quorum", "vacant", "switchover", "takeover"])}`,
    `claims judged    ${list(sum.judged, ["needed", "vacant", "asked", "raced", "blind", "broken"])}`,
    `needless moves   ${(sum.judged["blind"] ?? 0) + (sum.judged["raced"] ?? 0)} claims that no promise covers (raced: overtaken by news under way; blind: nobody could tell)`,
    `broken promises  ${sum.broken.length} run(s)`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

function printBroken(result: RunResult, minutes: number): void {
  process.stdout.write(`\nseed ${result.seed}:\n${result.broken.map((sentence) => `  ${sentence}`).join("\n")}\n  replay: npm run simulate -- --seed ${result.seed} --seeds 1 --minutes ${minutes} --transcript\n`);
}

async function main(): Promise<void> {
  const command = new Command("simulate")
    .description("Runs simulated clusters through random faults and checks every promise of the design.")
    .option("--seeds <n>", "how many runs", count, 1_000)
    .option("--minutes <m>", "simulated minutes of each run", count, 10)
    .option("--seed <s>", "the first seed; equal seeds give equal runs", count, 1)
    .option("--threads <t>", "worker threads (default: one a core)", count)
    .option("--transcript", "print what happened in each run", false)
    .parse();
  const options = command.opts<Options>();
  const sum: Sum = { runs: 0, simulatedMs: 0, moves: 0, claims: {}, judged: {}, broken: [] };
  const startedAtMs = performance.now();
  const { seed: firstSeed, seeds, minutes, threads, transcript: transcripts } = options;
  await runBatch({ firstSeed, seeds, minutes, transcripts, ...(threads === undefined ? {} : { threads }) }, (result) => {
    add(sum, result);
    drawBar(sum, options);
    if (transcripts) process.stdout.write(`${result.transcript.join("\n")}\n`);
  });
  printSum(sum, performance.now() - startedAtMs);
  for (const result of sum.broken.toSorted((a, b) => a.seed - b.seed)) printBroken(result, minutes);
  if (sum.broken.length > 0) process.exitCode = 1;
}

await main();
