/**
 * Command: `npm run mutate` weakens the deciding core, one place at a time, and shows which layer of tests notices. What it
 * finds is kept (incremental.ts), so that a run can be cut and gone on with; RESULTS.md is written from all that is known.
 * Exit code 1: fewer than GOAL are caught, a survivor has no reason, or a reason is left over for a mutant that is caught
 * or no longer there.
 */
import { writeFileSync } from "node:fs";
import process from "node:process";
import { Command } from "commander";
import { runMutants, type MutantResult } from "./run-mutants.ts";
import { DECIDING_FILES, mutantsOf, type Mutant } from "./mutants.ts";
import { complaintsAbout, GOAL, reportOf, sentenceOf } from "./results.ts";
import { sampleOf } from "./sample.ts";
import { coreText, makeSources } from "./sources.ts";
import { REASONS } from "./survivors.ts";
import { IncrementalResults } from "./incremental.ts";
import { wholeNumber } from "../support/whole-number.ts";

/** What is known is written down after so many mutants, and told where there is no terminal. */
const SAVE_EVERY = 20;

interface Options {
  readonly sample?: number;
  readonly seed: number;
  readonly file?: readonly string[];
  readonly threads?: number;
  readonly force: boolean;
  readonly known: boolean;
}

/** On a terminal in place; elsewhere a line. */
function tellProgress(done: number, all: number, survived: number): void {
  const text = `${done}/${all} tried, ${survived} survived`;
  if (process.stderr.isTTY) process.stderr.write(`\r${text} `);
  else if (done % SAVE_EVERY === 0) process.stderr.write(`${text}\n`);
}

/** Tries those that nothing is known of, and notes what becomes of them. */
async function tryUnknown(mutants: readonly Mutant[], results: IncrementalResults, sources: Awaited<ReturnType<typeof makeSources>>, threads: number | undefined): Promise<void> {
  let done = 0;
  let survived = 0;
  await runMutants(mutants, sources, ({ mutant, caught }) => {
    done += 1;
    results.note(mutant.key, caught?.layer ?? "survived");
    if (caught === null) {
      survived += 1;
      process.stdout.write(`survived  ${mutant.file}:${mutant.line}  ${mutant.kind}  ${mutant.key}\n`);
    }
    if (done % SAVE_EVERY === 0) results.save();
    tellProgress(done, mutants.length, survived);
  }, threads);
}

async function main(): Promise<void> {
  const options = new Command("mutate")
    .description("Weakens the core's decisions one at a time and shows which layer of tests catches it.")
    .option("--sample <n>", "try only so many, drawn by the seed", wholeNumber)
    .option("--seed <s>", "of the sample", wholeNumber, 1)
    .option("--file <names...>", `only these files of agent/core: ${DECIDING_FILES.join(", ")}`)
    .option("--force", "forget what earlier runs have found", false)
    .option("--known", "try nothing: write RESULTS.md from what is known", false)
    .option("--threads <t>", "worker threads (default: one a core)", wholeNumber)
    .parse()
    .opts<Options>();
  const byFile = DECIDING_FILES.map((file) => ({ file, text: coreText(file), mutants: mutantsOf(file, coreText(file)) }));
  const all = byFile.flatMap(({ mutants }) => mutants);
  const named = all.filter(({ file }) => options.file?.includes(file) ?? true);
  if (named.length === 0) throw new Error(`no mutants: --file must be one of ${DECIDING_FILES.join(", ")}`);
  const chosen = options.sample === undefined ? named : sampleOf(named, options.sample, options.seed);
  const sources = await makeSources();
  const results = new IncrementalResults(new URL("incremental.json", import.meta.url), byFile.map(({ file, text, mutants }) => ({ file, text, keys: mutants.map(({ key }) => key) })), JSON.stringify(sources.bundles), (key) => REASONS[key] !== undefined);
  if (options.force) for (const { key } of chosen) results.note(key, null);
  const unknown = options.known ? [] : chosen.filter(({ key }) => results.of(key) === null);
  if (unknown.length > 0) await tryUnknown(unknown, results, sources, options.threads);
  results.save();
  const tried = all.flatMap((mutant): readonly MutantResult[] => {
    const status = results.of(mutant.key);
    return status === null ? [] : [{ mutant, caught: status === "survived" ? null : { layer: status, test: "" } }];
  });
  process.stdout.write(`\n${sentenceOf(tried)}\n`);
  writeFileSync(new URL("RESULTS.md", import.meta.url), reportOf(tried, all.length));
  const complaints = complaintsAbout(tried, tried.length === all.length);
  for (const complaint of complaints) process.stdout.write(`${complaint}\n`);
  if (complaints.length > 0) process.exitCode = 1;
  else process.stdout.write(`Every survivor has its reason; the goal of ${100 * GOAL} % is met.\n`);
}

await main();
