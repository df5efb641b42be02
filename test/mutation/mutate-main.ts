/**
 * Command: `npm run mutate` weakens the deciding core, one place at a time, and shows which layer of tests notices. A full
 * run writes RESULTS.md, and so does a sample when it is asked to. Exit code 1: fewer than GOAL are caught, a survivor has no reason in survivors.ts, or a reason is
 * left over for a mutant that is caught or no longer there.
 */
import { writeFileSync } from "node:fs";
import process from "node:process";
import { Command, InvalidArgumentError } from "commander";
import { tryAll, type Tried } from "./court.ts";
import { DECIDING_FILES, mutantsOf, type Mutant } from "./mutants.ts";
import { complaintsAbout, GOAL, reportOf, sentenceOf } from "./results.ts";
import { coreText } from "./sources.ts";
import { sampleOf } from "./sample.ts";

const LINE_EVERY = 50;

interface Options {
  readonly sample?: number;
  readonly seed: number;
  readonly file?: string;
  readonly threads?: number;
  readonly record: boolean;
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("it must be a whole number of 1 or more.");
  return value;
}

function chosen(options: Options): readonly Mutant[] {
  const files = options.file === undefined ? DECIDING_FILES : DECIDING_FILES.filter((file) => file === options.file);
  const all = files.flatMap((file) => mutantsOf(file, coreText(file)));
  return options.sample === undefined ? all : sampleOf(all, options.sample, options.seed);
}

/** On a terminal in place; elsewhere a line for so many. */
function tellProgress(tried: readonly Tried[], all: number): void {
  const text = `${tried.length}/${all} tried, ${tried.filter(({ verdict }) => verdict === null).length} survived`;
  if (process.stderr.isTTY) process.stderr.write(`\r${text} `);
  else if (tried.length % LINE_EVERY === 0) process.stderr.write(`${text}\n`);
}

async function main(): Promise<void> {
  const options = new Command("mutate")
    .description("Weakens the core's decisions one at a time and shows which layer of tests catches it.")
    .option("--sample <n>", "try only so many, drawn by the seed", count)
    .option("--seed <s>", "of the sample", count, 1)
    .option("--file <name>", `only this file of agent/core: ${DECIDING_FILES.join(", ")}`)
    .option("--record", "write RESULTS.md although it is only a sample", false)
    .option("--threads <t>", "worker threads (default: one a core)", count)
    .parse()
    .opts<Options>();
  const mutants = chosen(options);
  if (mutants.length === 0) throw new Error(`no mutants: --file must be one of ${DECIDING_FILES.join(", ")}`);
  const tried: Tried[] = [];
  const startedAtMs = performance.now();
  await tryAll(mutants, (one) => {
    tried.push(one);
    if (one.verdict === null) process.stdout.write(`survived  ${one.mutant.file}:${one.mutant.line}  ${one.mutant.kind}  ${one.mutant.key}\n`);
    tellProgress(tried, mutants.length);
  }, options.threads);
  const full = options.sample === undefined && options.file === undefined;
  const ordered = mutants.map((mutant) => tried.find((one) => one.mutant === mutant) as Tried);
  process.stdout.write(`\n${sentenceOf(ordered)}\n`);
  const all = DECIDING_FILES.flatMap((file) => mutantsOf(file, coreText(file))).length;
  if (full || options.record) writeFileSync(new URL("RESULTS.md", import.meta.url), reportOf(ordered, performance.now() - startedAtMs, all));
  const complaints = complaintsAbout(ordered, full);
  for (const complaint of complaints) process.stdout.write(`${complaint}\n`);
  if (complaints.length > 0) process.exitCode = 1;
  else process.stdout.write(`Every survivor has its reason; the goal of ${100 * GOAL} % is met.\n`);
}

await main();
