/**
 * Command: measures the figures, prints them with the machine, and writes RESULTS.md, the plots, and the samples. It exits
 * with 0 when everything could be measured: a goal that was missed is a result, not a failure of the command.
 */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Command, InvalidArgumentError, Option } from "commander";
import { buildBundle } from "../support/build-bundle.ts";
import { REPOSITORY } from "../support/lab/roots.ts";
import { makeBench } from "./bench-context.ts";
import { FIGURES } from "./figure-list.ts";
import type { Bench, Figure } from "./figure.ts";
import { describeMachine, loadInWords, machineInWords } from "./machine.ts";
import { distributionSvg } from "./plot.ts";
import { hasPlot, resultsPage, textTable } from "./report.ts";
import { mergeResults, readResults, resultsText, type FigureRecord } from "./results.ts";
import { measureRival, RIVAL_FAULT_NAMES, RIVALS } from "./rival/measure-rival.ts";

const RUNS = 20;
/** Of each fault for each contender; a run is ten times as long as one of a figure. */
const RIVAL_RUNS = 5;
const MINUTE_MS = 60_000;
const MINUTES = 10;
const NAMES = FIGURES.map(({ name }) => name);

interface Options {
  readonly runs?: number;
  readonly minutes: number;
  readonly only: readonly string[];
  readonly json?: string;
  readonly results: string;
  readonly build: boolean;
  readonly rival?: (typeof RIVALS)[number];
  readonly faults: readonly string[];
  readonly labs: number;
  readonly within: number;
}

const say = (line: string): void => { process.stderr.write(`${line}\n`); };

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("It must be a whole number of at least 1.");
  return value;
}

/** A parser of comma lists of such names. */
function namesOf(known: readonly string[]): (text: string) => readonly string[] {
  return (text) => {
    const names = text.split(",").map((name) => name.trim());
    const unknown = names.filter((name) => !known.includes(name));
    if (unknown.length > 0) throw new InvalidArgumentError(`There is no ${unknown.join(", ")}; there are: ${known.join(", ")}.`);
    return names;
  };
}

async function measure(figure: Figure, bench: Bench, machine: string): Promise<FigureRecord> {
  bench.say(`--- ${figure.title} (${figure.name})`);
  const start = loadInWords();
  const { name, title, unit, goal } = figure;
  const measured = await figure.measure(bench);
  return {
    name, title, unit, goal, machine,
    samples: [...measured.samples], failures: [...measured.failures], notes: [...measured.notes], knobs: measured.knobs,
    parts: measured.parts.map((part) => ({ name: part.name, samples: [...part.samples] })),
    day: new Date().toISOString().slice(0, 10),
    load: { start, end: loadInWords() },
  };
}

/** Why figures of the lab can't be measured here; null when they can. */
function labObstacle(): string | null {
  return process.platform === "linux" && process.getuid?.() === 0 ? null : "the lab needs Linux and root";
}

function write(folder: string, records: readonly FigureRecord[]): void {
  const file = join(folder, "results.json");
  const all = mergeResults(readResults(file), records, NAMES);
  mkdirSync(join(folder, "plots"), { recursive: true });
  writeFileSync(file, resultsText(all));
  writeFileSync(join(folder, "RESULTS.md"), resultsPage(all, readdirSync(folder)));
  for (const record of all.filter(hasPlot)) writeFileSync(join(folder, "plots", `${record.name}.svg`), distributionSvg(record));
}

/** Instead of the figures: the same faults for the agent and for another way of doing its work. */
async function compare({ runs = RIVAL_RUNS, faults, labs, within, results, build }: Options): Promise<void> {
  const obstacle = labObstacle();
  if (obstacle !== null) throw new Error(`The comparison can't be made here: ${obstacle}.`);
  if (build) await buildBundle(join(REPOSITORY, "dist"));
  const machine = machineInWords(await describeMachine(true));
  process.stdout.write(`${await measureRival({ runs, faults, labs, withinMs: within * MINUTE_MS, folder: results, machine, say })}\n\n${machine}\n`);
}

async function main(options: Options): Promise<void> {
  const wanted = FIGURES.filter(({ name }) => options.only.includes(name));
  const obstacle = labObstacle();
  const chosen: Figure[] = [];
  for (const figure of wanted) {
    const inTheWay = figure.lab && obstacle !== null ? obstacle : ((await figure.obstacle?.()) ?? null);
    if (inTheWay === null) chosen.push(figure);
    else say(`${figure.name} is left out: ${inTheWay}.`);
  }
  const lab = chosen.some((figure) => figure.lab);
  if (lab && options.build) await buildBundle(join(REPOSITORY, "dist"));
  const machine = machineInWords(await describeMachine(lab));
  say(`${machine}; load averages ${loadInWords()}`);
  const bench = makeBench({ runs: options.runs ?? RUNS, minutes: options.minutes, say });
  const records: FigureRecord[] = [];
  try {
    for (const figure of chosen) {
      try {
        records.push(await measure(figure, bench, machine));
      } catch (error) {
        say(`${figure.name} could not be measured: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
        process.exitCode = 1;
        await bench.release();
      }
    }
  } finally {
    await bench.release();
  }
  process.stdout.write(`${textTable(records)}\n\n${machine}\nload averages ${records[0]?.load.start ?? loadInWords()} at the start, ${loadInWords()} at the end\n`);
  if (options.json !== undefined) writeFileSync(options.json, resultsText(records));
  write(options.results, records);
}

const command = new Command("bench")
  .description("Measures the figures that the agent is held to.")
  .option("--runs <n>", `how many times each fault is made (default: ${RUNS}; with --rival ${RIVAL_RUNS})`, positive)
  .option("--only <figures>", `a comma list of: ${NAMES.join(", ")}`, namesOf(NAMES), NAMES)
  .option("--minutes <m>", "how long a steady pair is watched for memory, CPU and AWS calls", positive, MINUTES)
  .option("--json <file>", "also write this run's samples there")
  .option("--results <folder>", "where RESULTS.md, results.json and the plots are written", import.meta.dirname)
  .option("--no-build", "use the bundle that is in dist/")
  .addOption(new Option("--rival <name>", "compare the agent with it under the same faults, instead of measuring the figures").choices([...RIVALS]))
  .option("--faults <names>", `with --rival, a comma list of: ${RIVAL_FAULT_NAMES.join(", ")}`, namesOf(RIVAL_FAULT_NAMES), RIVAL_FAULT_NAMES)
  .option("--labs <n>", "with --rival, how many labs work side by side", positive, 1)
  .option("--within <m>", "with --rival, begin no further round of runs after so many minutes", positive, 24 * 60)
  .action(async (options: Options) => { await (options.rival === undefined ? main(options) : compare(options)); });
await command.parseAsync();
