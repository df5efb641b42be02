/** The results as a table for the terminal, and as the page RESULTS.md. Both say the same; neither has a figure of its own. */
import { isMet, summarise, type Summary } from "./statistics.ts";
import type { Goal, Unit } from "./figure.ts";
import type { FigureRecord } from "./results.ts";

const HEAD = ["figure", "goal", "n", "median", "p99", "max", "met?"] as const;

/** Below this, a value is shown with decimals (2 s and 600 ms need none, 0.85 % does). */
const WHOLE_FROM = 100;

export function formatValue(value: number, unit: Unit): string {
  if (unit === "ms") return value >= 10 ? String(Math.round(value)) : value.toFixed(1);
  return value >= WHOLE_FROM ? value.toFixed(0) : value.toFixed(2);
}

/** `≤ 600 ms`, with the statistic that it is about where that is not obvious. */
function formatGoal(goal: Goal, unit: Unit): string {
  return `${goal.statistic === "p99" ? "p99 " : ""}≤ ${goal.atMost} ${unit}`;
}

function cells(record: FigureRecord): readonly string[] {
  const { title, goal, unit, samples, failures } = record;
  const summary = summarise(samples);
  const value = (of: keyof Summary): string => (summary === null ? "-" : formatValue(summary[of], unit));
  return [title, formatGoal(goal, unit), `${samples.length}${failures.length === 0 ? "" : ` (+${failures.length} failed)`}`, value("median"), value("p99"), value("max"), isMet(goal, samples, failures.length) ? "yes" : "MISSED"];
}

/** The table in plain text. */
export function textTable(records: readonly FigureRecord[]): string {
  const rows = [HEAD, ...records.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  ")).join("\n");
}

/** Pages of other commands that lie beside this one, and what is on them. */
const OTHER_PAGES: Readonly<Record<string, string>> = {
  "RIVAL.md": "the agent and keepalived under the same faults",
  "BAD-DAY.md": "one zone dies under many pairs of one account, simulated",
  "SOAK.md": "memory, handles and CPU of a pair under calls and small faults",
};

/** The whole page. @param beside the files in the page's folder */
export function resultsPage(records: readonly FigureRecord[], beside: readonly string[] = []): string {
  const others = Object.entries(OTHER_PAGES).filter(([file]) => beside.includes(file)).map(([file, what]) => `[${what}](${file})`);
  const row = (all: readonly string[]): string => `| ${all.join(" | ")} |`;
  return [
    "# Figures",
    "",
    "Made by `npm run bench`; not edited by hand. The p99 is a sample that was measured (nearest rank): with fewer than a hundred",
    "samples it is the maximum. A goal that was missed is shown as missed, whatever the reason.",
    ...(others.length === 0 ? [] : [`On pages of their own: ${others.join("; ")}.`]),
    "",
    row(HEAD),
    row(HEAD.map(() => "---")),
    ...records.map((record) => row(cells(record))),
    "",
    ...records.flatMap(section),
  ].join("\n");
}

function section(record: FigureRecord): readonly string[] {
  const { title, name, unit, parts, notes, failures, knobs, machine, day, load } = record;
  const settings = Object.entries(knobs).map(([knob, value]) => `\`${knob}=${value}\``);
  return [
    `## ${title}`,
    "",
    ...(hasPlot(record) ? [`![distribution of ${title}](plots/${name}.svg)`, ""] : []),
    ...notes.map((note) => `- ${note}`),
    ...failures.map((failure) => `- **Failed.** ${failure}`),
    `- Settings that are not the defaults: ${settings.length === 0 ? "none" : settings.join(", ")}.`,
    `- Measured on ${day}: ${machine}. Load averages ${load.start} at the start, ${load.end} at the end.`,
    "",
    ...(parts.length === 0 ? [] : [`| where it goes (${unit}${unit === "ms" ? " after the start" : ""}) | n | median | max |`, "| --- | --- | --- | --- |", ...parts.flatMap((part) => partRow(part, unit)), ""]),
  ];
}

function partRow(part: FigureRecord["parts"][number], unit: Unit): readonly string[] {
  const summary = summarise(part.samples);
  return summary === null ? [] : [`| ${part.name} | ${summary.n} | ${formatValue(summary.median, unit)} | ${formatValue(summary.max, unit)} |`];
}

/** A distribution is drawn of times that were measured more than once. */
export function hasPlot(record: FigureRecord): boolean {
  return record.unit === "ms" && record.samples.length > 1;
}
