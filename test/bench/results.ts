/**
 * What was measured, figure by figure, in a file beside the pages that are made of it: a later run of some figures
 * replaces those and leaves the others, each with the machine and the day on which it was measured.
 */
import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";

const part = z.object({ name: z.string(), samples: z.array(z.number()) });

const recordSchema = z.object({
  name: z.string(),
  title: z.string(),
  unit: z.enum(["ms", "MB", "% of a core", "kB a second", "a minute", "an hour"]),
  goal: z.object({ statistic: z.enum(["p99", "max"]), atMost: z.number() }),
  samples: z.array(z.number()),
  failures: z.array(z.string()),
  notes: z.array(z.string()),
  parts: z.array(part),
  knobs: z.record(z.string(), z.string()),
  /** The machine, in words. */
  machine: z.string(),
  /** YYYY-MM-DD, UTC. */
  day: z.string(),
  /** Load averages when the figure's measuring began and ended. */
  load: z.object({ start: z.string(), end: z.string() }),
});

/** One measured figure with everything that is shown of it. */
export type FigureRecord = z.infer<typeof recordSchema>;

const fileSchema = z.object({ figures: z.array(recordSchema) });

/** What the file holds; nothing when there is none yet. Throws when it holds something else. */
export function readResults(file: string): readonly FigureRecord[] {
  return existsSync(file) ? fileSchema.parse(JSON.parse(readFileSync(file, "utf8"))).figures : [];
}

/** The old records with the new ones in their place, in the order of `names`; figures that no longer exist are left out. */
export function mergeResults(old: readonly FigureRecord[], fresh: readonly FigureRecord[], names: readonly string[]): readonly FigureRecord[] {
  return names.flatMap((name) => fresh.find((record) => record.name === name) ?? old.find((record) => record.name === name) ?? []);
}

/** Samples to three decimals: more is noise. */
export function resultsText(figures: readonly FigureRecord[]): string {
  return `${JSON.stringify({ figures }, (_, value: unknown) => (typeof value === "number" ? Math.round(value * 1_000) / 1_000 : value), 1)}\n`;
}
