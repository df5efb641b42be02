/** The whole drawing of one run, from its record to lines of text of at most 80 columns. Pure: the tests call it too. */
import { judge, type Check, type Outcome } from "./judge.ts";
import { picture } from "./picture.ts";
import type { DemoRecord } from "./record.ts";
import { paint, plain, wrap, type Colour, type Style } from "./style.ts";
import { timeline } from "./timeline.ts";

const TIME_WIDTH = 8;
const WHO_WIDTH = 9;
const OUTCOME_COLOUR: Readonly<Record<Outcome, Colour>> = { kept: "green", late: "yellow", broken: "red" };
const VERDICT_COLOUR: Readonly<Record<string, Colour>> = { up: "green", down: "red", unknown: "yellow" };

/** Everything that is said after the run: picture, list, votes, checks, and the one line at the end. */
export function draw(record: DemoRecord, style: Style): string[] {
  const { checks, verdict, held } = judge(record);
  const late = checks.some(({ outcome }) => outcome === "late");
  return [
    ...heading(`What happened (fault: ${record.fault})`, style),
    ...picture(record, style),
    ...heading("Who saw what, in milliseconds since the fault", style),
    ...list(record, style),
    ...votesTable(record, style),
    ...heading("The promises", style),
    ...checks.flatMap((each) => checkLines(each, style)),
    "",
    paint(clip(plain(verdict, style), style), held ? (late ? "yellow" : "green") : "red", style),
  ];
}

function heading(text: string, style: Style): string[] {
  return ["", ...wrap(text, style.width).map((line) => paint(line, "bold", style)), ""];
}

/** Cut to the width, at a place that shows that something is missing. */
function clip(text: string, { width }: Style): string {
  return text.length <= width ? text : `${text.slice(0, width - 3)}...`;
}

function list(record: DemoRecord, style: Style): string[] {
  return timeline(record).flatMap(({ atMs, who, says, colour }) => {
    const [first = "", ...rest] = wrap(plain(says, style), style.width - TIME_WIDTH - WHO_WIDTH - 1);
    const time = `${atMs > 0 ? "+" : ""}${Math.round(atMs)}`.padStart(TIME_WIDTH);
    const indent = " ".repeat(TIME_WIDTH + WHO_WIDTH + 1);
    return [`${paint(time, "dim", style)} ${who.padEnd(WHO_WIDTH)}${paint(first, colour, style)}`, ...rest.map((line) => `${indent}${paint(line, colour, style)}`)];
  });
}

/** What each observer said of the active, and what followed from it. */
function votesTable(record: DemoRecord, style: Style): string[] {
  const { votes: seen, claims, roles, standby, active } = record;
  if (seen === null) return [];
  const { votes } = seen;
  const consent = roles.some(({ row }) => row === "claim-by-consent");
  const channels = ["heartbeat", "sip", "eip"].map((name) => votes.own.channels.find((each) => each.name === name)?.verdict ?? "unknown");
  const row = (who: string, verdicts: readonly string[], verdict: string): string => `  ${who.padEnd(11)}${verdicts.map((each) => painted(each, 11, style)).join("")}${painted(verdict, 0, style)}`;
  const witnesses = votes.witnesses.map((vote) => row(vote.observer, [vote.heartbeat ?? "unknown", vote.sip ?? "unknown", vote.eip ?? "unknown"], vote.verdict));
  const when = claims.length > 0 ? "while the claim was under way" : `after ${(seen.atMs / 1_000).toFixed(0)} s`;
  const conclusion = consent ? `By consent: ${active} asked for it itself, so no vote was needed.` : claims.length > 0 ? `${votes.downs} of ${votes.observers} observer(s) say down, nobody says up: ${standby} may claim.` : `${standby} does not claim. ${seen.waitsFor}`;
  return [
    ...heading(`The votes on ${active}, ${when}`, style),
    paint(`  ${"observer".padEnd(11)}${["heartbeat", "sip", "eip"].map((name) => name.padEnd(11)).join("")}verdict`, "dim", style),
    row(standby, channels, votes.own.verdict),
    ...witnesses,
    row("EC2", ["-", "-", "-"], votes.cloud.verdict),
    ...wrap(plain(`EC2: ${votes.cloud.reason}`, style), style.width - 2).map((line) => paint(`  ${line}`, "dim", style)),
    ...wrap(plain(conclusion, style), style.width - 2).map((line) => `  ${line}`),
  ];
}

function painted(verdict: string, width: number, style: Style): string {
  return paint(verdict, VERDICT_COLOUR[verdict] ?? null, style) + " ".repeat(Math.max(0, width - verdict.length));
}

function checkLines({ outcome, says }: Check, style: Style): string[] {
  const label = `  ${outcome.padEnd(8)}`;
  const [first = "", ...rest] = wrap(plain(says, style), style.width - label.length);
  return [`  ${paint(outcome.padEnd(8), OUTCOME_COLOUR[outcome], style)}${first}`, ...rest.map((line) => `${" ".repeat(label.length)}${line}`)];
}
