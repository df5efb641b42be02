/** What came of the bad days: a table for the terminal, a page, and the part of the README. Nothing in them is typed by hand. */
import { z } from "zod";
import { KNOBS } from "../../../agent/knobs.ts";
import { LIMITS, READ } from "../../support/aws/ec2-limits.ts";
import { TICK_MS } from "./region.ts";
import { STRATEGIES } from "./strategies.ts";

const daySchema = z.object({ pairs: z.number(), strategy: z.string(), servedMs: z.array(z.number()), calls: z.record(z.string(), z.object({ asked: z.number(), refused: z.number() })) });

/** Everything that the page and the plot are made of. */
export const badDaysSchema = z.object({ seed: z.number(), withinMs: z.number(), days: z.array(daySchema) });
export type BadDays = z.infer<typeof badDaysSchema>;
type Day = BadDays["days"][number];

const HEAD = ["pairs", "who", "half served after", "all served after", "never served", "claims refused", "reads refused"] as const;
const MINUTE_S = 60;

const seconds = (ms: number): string => (ms >= 100_000 ? `${Math.round(ms / 1_000)} s` : `${(ms / 1_000).toFixed(1)} s`);
const titleOf = (name: string): string => STRATEGIES.find((strategy) => strategy.name === name)?.title ?? name;

/** When that many were served; null when so many never were. */
export function servedAfter({ servedMs }: Pick<Day, "servedMs">, count: number): number | null {
  return servedMs[count - 1] ?? null;
}

function cells(day: Day): readonly string[] {
  const after = (count: number): string => {
    const ms = servedAfter(day, count);
    return ms === null ? "never" : seconds(ms);
  };
  const refused = (action: string): string => {
    const calls = day.calls[action];
    return calls === undefined ? "-" : `${calls.refused} of ${calls.asked}`;
  };
  return [String(day.pairs), titleOf(day.strategy), after(Math.ceil(day.pairs / 2)), after(day.pairs), String(day.pairs - day.servedMs.length), refused("AssociateAddress"), refused("DescribeAddresses")];
}

export function badDayTable({ days }: BadDays): string {
  const rows = [HEAD, ...days.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) => row.map((cell, column) => (column === 1 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join("  ")).join("\n");
}

const row = (all: readonly string[]): string => `| ${all.join(" | ")} |`;

/** How many pairs one account carries, from the knobs' defaults and EC2's limits. */
export function fleetLimits(): { readonly readsPairs: number; readonly dryRunsPairs: number; readonly burstPairs: number } {
  const perPair = (intervalMs: number): number => (2 * 1_000) / intervalMs;
  const claims = LIMITS["AssociateAddress"] ?? READ;
  return {
    readsPairs: Math.floor(READ.perSecond / perPair(KNOBS.OWNER_READ_INTERVAL_MS.default)),
    dryRunsPairs: Math.floor(claims.perSecond / perPair(KNOBS.DRY_RUN_INTERVAL_MS.default)),
    burstPairs: claims.capacity,
  };
}

function conclusions({ days, withinMs }: BadDays): readonly string[] {
  const { readsPairs, dryRunsPairs, burstPairs } = fleetLimits();
  const agents = days.filter((day) => day.strategy === "agent").toSorted((one, other) => one.pairs - other.pairs);
  const told = agents.map((day) => {
    const ms = servedAfter(day, day.pairs);
    return ms === null ? `of ${day.pairs} pairs ${day.servedMs.length} are served within ${withinMs / 1_000 / MINUTE_S} minutes` : `${day.pairs} pairs are all served after ${seconds(ms)}`;
  });
  return [
    `- **As the agent does it:** ${told.join(", ")}. What holds it up first is not the claims but the reads: a claim needs two that EC2 doesn't refuse, one after the other, and every pair reads on.`,
    `- **Up to about ${burstPairs} pairs of one account that lose their zone at once don't feel each other**: that many claims fit into EC2's burst. Beyond it EC2 lets ${LIMITS["AssociateAddress"]?.perSecond ?? 0} addresses a second through, whoever asks and however often: ${Math.round((1_000 - burstPairs) / (LIMITS["AssociateAddress"]?.perSecond ?? 1))} s for a thousand at the very best.`,
    `- **Beyond ${readsPairs} pairs not even a quiet day fits**: two nodes a pair that read the address every \`OWNER_READ_INTERVAL_MS\` use up all ${READ.perSecond} \`DescribeAddresses\` a second of the account, and from ${dryRunsPairs} pairs on their dry runs all its claims. Before that, raise both intervals, ask AWS for higher limits, or spread the fleet.`,
    `- **So: no more than about ${burstPairs} pairs whose actives share a zone in one account and Region**, which is ${2 * burstPairs} pairs with their actives spread over two zones; larger fleets take several accounts, or limits that AWS has raised.`,
  ];
}

function table({ days }: BadDays): readonly string[] {
  return [row(HEAD), row(HEAD.map(() => "---")), ...days.map((day) => row(cells(day)))];
}

/** The part of the README. */
export function badDayPart(days: BadDays): string {
  return [...table(days), "", "![how many pairs were served when](test/bench/plots/bad-day.svg)", "", ...conclusions(days)].join("\n");
}

/** The page. */
export function badDayPage(days: BadDays): string {
  const limits = [...Object.entries(LIMITS), ["DescribeAddresses", READ] as const].map(([action, { capacity, perSecond }]) => `\`${action}\` ${capacity} at once and ${perSecond} a second`);
  return [
    "# A region's bad day",
    "",
    `Made by \`npm run bad-day -- --seed ${days.seed}\`; not edited by hand. One zone dies under many pairs of one account, which share EC2's request`,
    "limits. Every pair is a cluster of the simulation: the production core and driver in virtual time, against the model of EC2. *Served*",
    "means that EC2 has moved the address to the node that lives, counted from that pair's own death.",
    "",
    ...table(days),
    "",
    "![how many pairs were served when](plots/bad-day.svg)",
    "",
    "## What follows for large fleets",
    "",
    ...conclusions(days),
    "",
    "## How it was simulated",
    "",
    "- All actives are in the zone that dies: the worst case. Its machines go within half a second.",
    `- EC2's limits for the account: ${limits.join(", ")}. The buckets are full when the zone dies, and nobody else in the account uses them. A call that is refused takes no token.`,
    ...STRATEGIES.map(({ title, says, knobs, upToPairs }) => `- *${title}*${upToPairs === Infinity ? "" : `, not simulated with more than ${upToPairs} pairs (four tries a second and pair take hours)`}: ${says}${knobs === null || Object.keys(knobs).length === 0 ? "" : ` (${Object.entries(knobs).map(([knob, value]) => `\`${knob}=${value}\``).join(", ")})`}.`),
    `- All agents tick every ${TICK_MS} ms, so that a thousand pairs can be simulated in reasonable time; other settings that are not named are the defaults.`,
    `- Looked at for ${Math.round(days.withinMs / 1_000 / MINUTE_S)} simulated minutes after the death; seed ${days.seed}.`,
    "",
  ].join("\n");
}
