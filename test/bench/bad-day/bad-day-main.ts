/**
 * Command: `npm run bad-day -- --pairs 10,100,1000 --seed S`. Lets a zone die under so many pairs of one account, for every
 * strategy, prints the table, and writes the page BAD-DAY.md, bad-day.json and the plot. The same seed gives the same page.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { badDaySvg } from "./curves.ts";
import { badDay } from "./region.ts";
import { badDayPage, badDayTable, type BadDays } from "./report.ts";
import { STRATEGIES } from "./strategies.ts";
import { wholeNumber } from "../../support/whole-number.ts";

const MINUTE_MS = 60_000;

interface Options {
  readonly pairs: readonly number[];
  readonly seed: number;
  readonly minutes: number;
  readonly results: string;
}

function main({ pairs: sizes, seed, minutes, results }: Options): void {
  const withinMs = minutes * MINUTE_MS;
  const days: BadDays["days"] = [];
  for (const pairs of sizes) {
    for (const strategy of STRATEGIES.filter(({ upToPairs }) => pairs <= upToPairs)) {
      const startedAtMs = performance.now();
      const day = badDay({ pairs, seed, strategy, withinMs });
      process.stderr.write(`${pairs} pairs, ${strategy.title}: ${day.servedMs.length} served; simulated in ${((performance.now() - startedAtMs) / 1_000).toFixed(1)} s\n`);
      days.push({ ...day, servedMs: day.servedMs.map((ms) => Math.round(ms)) });
    }
  }
  const all: BadDays = { seed, withinMs, days };
  mkdirSync(join(results, "plots"), { recursive: true });
  writeFileSync(join(results, "bad-day.json"), `${JSON.stringify(all)}\n`);
  writeFileSync(join(results, "BAD-DAY.md"), badDayPage(all));
  writeFileSync(join(results, "plots", "bad-day.svg"), badDaySvg(all));
  process.stdout.write(`${badDayTable(all)}\n`);
}

const command = new Command("bad-day")
  .description("Lets one zone die under many pairs of one account, in simulated time.")
  .option("--pairs <sizes>", "a comma list of how many pairs", (text: string) => text.split(",").map(wholeNumber), [10, 100, 300, 1_000])
  .option("--seed <n>", "where chance begins", wholeNumber, 1)
  .option("--minutes <m>", "how many simulated minutes are looked at at most", wholeNumber, 15)
  .option("--results <folder>", "where the page, its data and the plot are written", join(import.meta.dirname, ".."))
  .action(main);
command.parse();
