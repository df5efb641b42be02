/** The largest campaign that was recorded: `npm run simulate -- --record` writes it down, README.md shows it. */
import { readFileSync, writeFileSync } from "node:fs";
import { measuredOn } from "../support/measured-on.ts";

/** What a campaign came to. Plain JSON. */
export interface CampaignRecord {
  readonly date: string;
  readonly machine: string;
  readonly seeds: number;
  readonly minutes: number;
  readonly simulatedHours: number;
  readonly wallMinutes: number;
  readonly timesRealTime: number;
  readonly moves: number;
  readonly claims: Readonly<Record<string, number>>;
  readonly judged: Readonly<Record<string, number>>;
  readonly brokenRuns: number;
}

const FILE = new URL("record.json", import.meta.url);
const HOURS_A_YEAR = 365.25 * 24;

export const yearsOf = (hours: number): string => (hours / HOURS_A_YEAR).toFixed(3);

/** Writes the record; the date and the machine are those of now and here. */
export function keepRecord(record: Omit<CampaignRecord, "date" | "machine">): void {
  writeFileSync(FILE, `${JSON.stringify({ ...measuredOn(), ...record }, null, 2)}\n`);
}

/** The record as README.md tells it. */
export function recordInWords(): string {
  const { date, machine, seeds, minutes, simulatedHours, wallMinutes, timesRealTime, moves, claims, judged, brokenRuns } = JSON.parse(readFileSync(FILE, "utf8")) as CampaignRecord;
  const rows: readonly (readonly [string, string])[] = [
    ["when, and on what", `${date}, ${machine}`],
    ["runs", `${seeds} seeds of ${minutes} minutes or a little more`],
    ["simulated time", `${simulatedHours.toFixed(0)} hours, ${yearsOf(simulatedHours)} years, in ${wallMinutes.toFixed(1)} minutes: ${timesRealTime} times real time`],
    ["moves of the address", `${moves}, operators' moves included`],
    ["claims", `${claims["consent"] ?? 0} by consent, ${claims["quorum"] ?? 0} by quorum, ${claims["vacant"] ?? 0} of a free address`],
    ["of these, needless", `${judged["broken"] ?? 0} that a promise forbids, ${judged["blind"] ?? 0} that nobody could tell from death (blind), ${judged["raced"] ?? 0} overtaken by news under way (raced)`],
    ["runs with a broken promise", String(brokenRuns)],
  ];
  return ["| | |", "| --- | --- |", ...rows.map(([name, value]) => `| ${name} | ${value} |`)].join("\n");
}
