/** What a soak showed: a text for the terminal and a page. Nothing in them is typed by hand. */
import { z } from "zod";
import { slopeOf, type Point, type Slope } from "./slope.ts";

/** One look at one agent; `resident` in MB, `cpu` the share of a core since the look before (%). */
const lookSchema = z.object({ atMs: z.number(), resident: z.number(), handles: z.number(), cpu: z.number() }).readonly();
export type Look = z.infer<typeof lookSchema>;

/**
 * Everything that the page is made of. `faults`: how often each was made; `lagMs`: the worst that the agents published, null
 * when they published nothing; `failures`: what went wrong, in sentences.
 */
export const soakSchema = z.object({
  minutes: z.number(),
  seed: z.number(),
  calls: z.number(),
  machine: z.string(),
  day: z.string(),
  looks: z.record(z.string(), z.array(lookSchema)),
  faults: z.record(z.string(), z.number()),
  movesWarranted: z.number(),
  moves: z.number(),
  lagMs: z.number().nullable(),
  failures: z.array(z.string()),
});
export type SoakResult = z.infer<typeof soakSchema>;

const HEAD = ["agent", "what", "at first", "at the end", "most", "an hour (95 %)"] as const;
/** Caches and compiled code fill up at first; the trend is that of the rest. */
const WARM_UP_SHARE = 0.25;

const SERIES: readonly { readonly what: string; readonly of: (look: Look) => number }[] = [
  { what: "memory (RSS, MB)", of: (look) => look.resident },
  { what: "open handles", of: (look) => look.handles },
  { what: "CPU (% of a core)", of: (look) => look.cpu },
];

function rows({ looks }: SoakResult): readonly (readonly string[])[] {
  return Object.entries(looks).flatMap(([agent, all]) => SERIES.map(({ what, of }) => {
    const values = all.map(of);
    const settled = all.slice(Math.floor(all.length * WARM_UP_SHARE)).map((look): Point => ({ atMs: look.atMs, value: of(look) }));
    return [agent, what, shown(values[0]), shown(values.at(-1)), shown(Math.max(...values)), inWords(slopeOf(settled))];
  }));
}

const shown = (value: number | undefined): string => (value === undefined ? "-" : value.toFixed(value >= 100 ? 0 : 1));
const inWords = (slope: Slope | null): string => (slope === null ? "-" : `${slope.perHour >= 0 ? "+" : ""}${slope.perHour.toFixed(1)} ± ${slope.plusMinus.toFixed(1)}`);

function facts({ minutes, calls, seed, faults, moves, movesWarranted, lagMs, failures, day, machine }: SoakResult): readonly string[] {
  const made = Object.entries(faults).map(([name, times]) => `${times} × ${name}`);
  return [
    `${minutes} min with about ${calls} calls at once and a fault now and then (seed ${seed}): ${made.length === 0 ? "none" : made.join("; ")}.`,
    `The address moved ${moves} times; the faults warranted ${movesWarranted}.`,
    `The agents' own event-loop lag, one sample a second: ${lagMs === null ? "not published" : `at most ${Math.round(lagMs)} ms; an agent that is stopped on purpose is as late as it was stopped for`}.`,
    ...failures.map((failure) => `Failed: ${failure}`),
    `${day}, ${machine}.`,
  ];
}

export function soakText(result: SoakResult): string {
  const all = [HEAD, ...rows(result)];
  const widths = HEAD.map((_, column) => Math.max(...all.map((cells) => (cells[column] ?? "").length)));
  return [...all.map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")), "", ...facts(result)].join("\n");
}

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** The part of the README: the figures, and what happened meanwhile. */
export function soakPart(result: SoakResult): string {
  return [row(HEAD), row(HEAD.map(() => "---")), ...rows(result).map(row), "", ...facts(result).map((fact) => `- ${fact}`)].join("\n");
}

export function soakPage(result: SoakResult): string {
  return [
    "# A soak of the real pair",
    "",
    `Made by \`npm run soak -- --minutes ${result.minutes}\`; not edited by hand. Two agents beside real Asterisks in network namespaces, under calls and small`,
    "faults. A trend is the least-squares slope of the last three quarters, with how sure it is: a short soak is not sure of much.",
    "",
    soakPart(result),
    "",
  ].join("\n");
}
