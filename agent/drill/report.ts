/**
 * The report of a drill, for somebody who was not there and does not take our word: who, when, with which software, every
 * precondition, every step with its time, what was measured and how, what EC2 recorded, and the raw measurements beside it
 * with their checksum.
 */
import type { MoveRecord } from "../core/moves.ts";
import type { Outage, OutsideProbe } from "./outage.ts";
import type { Precondition } from "./preconditions.ts";

export interface Leg {
  readonly from: string;
  readonly to: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly ok: boolean;
  readonly message: string;
  readonly steps: readonly { readonly at: string; readonly says: string }[];
  readonly outage: Outage;
}

export interface DrillReport {
  readonly drill: string;
  readonly cluster: string;
  readonly address: string;
  readonly node: string;
  readonly operator: string;
  readonly reason: string;
  readonly dryRun: boolean;
  readonly software: string;
  readonly asterisk: string | null;
  readonly startedAt: string;
  readonly endedAt: string;
  /** A silence longer than this fails the drill (ms). */
  readonly maxSilenceMs: number;
  readonly askedEveryMs: number;
  readonly preconditions: readonly Precondition[];
  readonly legs: readonly Leg[];
  /** Who has the address in the end, as EC2 says. */
  readonly holderBefore: string;
  readonly holderAfter: string;
  /** The moves that this node has recorded meanwhile. */
  readonly moves: readonly MoveRecord[];
  readonly probes: readonly OutsideProbe[];
}

export interface Verdict {
  readonly passed: boolean;
  readonly why: string;
}

/** Passed: every precondition held and, unless it was only looked, both ways went well, within the limit, and the address is where it was. */
export function verdictOf({ preconditions, legs, dryRun, maxSilenceMs, holderBefore, holderAfter }: DrillReport): Verdict {
  const missing = preconditions.filter(({ holds }) => !holds);
  if (missing.length > 0) return { passed: false, why: `Not begun: ${missing.map(({ what, found }) => `${what} (${found})`).join("; ")}.` };
  if (dryRun) return { passed: true, why: "Every precondition holds. Nothing was moved: a dry run." };
  const failed = legs.find(({ ok }) => !ok);
  if (failed !== undefined) return { passed: false, why: `The way from ${failed.from} to ${failed.to} failed: ${failed.message} The address is on ${holderAfter}.` };
  if (legs.length !== 2 || holderAfter !== holderBefore) return { passed: false, why: `The address is on ${holderAfter}; it was on ${holderBefore}.` };
  const slow = legs.find(({ outage }) => outage.silenceMs > maxSilenceMs);
  if (slow !== undefined) return { passed: false, why: `On the way from ${slow.from} to ${slow.to} nobody answered for ${seconds(slow.outage.silenceMs)}; ${seconds(maxSilenceMs)} are allowed.` };
  return { passed: true, why: `There and back; nobody answered for at most ${seconds(Math.max(...legs.map(({ outage }) => outage.silenceMs)))}, of ${seconds(maxSilenceMs)} allowed.` };
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;
/** A bar would end the cell. */
const cell = (text: string): string => text.replaceAll("|", "/").replaceAll("\n", " ");

/** The page to read. `raw` is the file with everything, and its SHA-256. */
export function drillText(report: DrillReport, raw: { readonly file: string; readonly sha256: string }): string {
  const { passed, why } = verdictOf(report);
  return [
    `# Drill ${report.drill}: ${passed ? "PASSED" : "FAILED"}`,
    "",
    why,
    "",
    "| | |",
    "|---|---|",
    ...([["cluster", report.cluster], ["address", report.address], ["ordered by", report.operator], ["on node", report.node], ["reason", report.reason], ["kind", report.dryRun ? "dry run: preconditions only" : "switchover there and back"], ["began", report.startedAt], ["ended", report.endedAt], ["agent", report.software], ["Asterisk", report.asterisk ?? "unknown"], ["address before, after", `${report.holderBefore}, ${report.holderAfter}`], ["raw measurements", `${raw.file}, SHA-256 ${raw.sha256}`]] as const).map(([name, value]) => `| ${name} | ${cell(value)} |`),
    "",
    "## Preconditions",
    "",
    "| holds | what | found |",
    "|---|---|---|",
    ...report.preconditions.map(({ holds, what, found }) => `| ${holds ? "yes" : "NO"} | ${cell(what)} | ${cell(found)} |`),
    ...report.legs.flatMap(legLines),
    "",
    "## How it was measured",
    "",
    `SIP OPTIONS to ${report.address} from ${report.node}, over the public way, one each ${report.askedEveryMs} ms, each with a socket of its own. "Silence" is the longest`,
    "time from one answer to the next. \"New calls refused\" counts 503 as no answer, too: that is the drain, and a phone tries again.",
    "One place has measured; what a caller elsewhere saw may differ by the way between. Times of steps are this machine's clock, in UTC.",
    "",
    "## What the node has recorded",
    "",
    ...(report.moves.length === 0 ? ["No move."] : report.moves.map(({ atWallMs, from, to, cause, reason }) => `- ${new Date(atWallMs).toISOString()} ${from} -> ${to}, ${cause}: ${reason}`)),
    "",
  ].join("\n");
}

function legLines({ from, to, startedAt, endedAt, ok, message, steps, outage }: Leg): readonly string[] {
  return [
    "",
    `## ${from} to ${to}: ${ok ? "done" : "FAILED"}`,
    "",
    message,
    "",
    "| measured from outside | |",
    "|---|---|",
    `| silence, at the longest | ${seconds(outage.silenceMs)} |`,
    `| new calls refused, at the longest | ${seconds(outage.refusalMs)} |`,
    `| questions asked, unanswered, answered with 503 | ${outage.asked}, ${outage.unanswered}, ${outage.refused} |`,
    "",
    `- ${startedAt} ordered`,
    ...steps.map(({ at, says }) => `- ${at} ${says}`),
    `- ${endedAt} ended`,
  ];
}
