/**
 * Did the promises hold? Each check is one sentence with what was measured. A check is `kept`, `broken`, or `late`: what
 * was promised happened, after its limit, on a machine that was measurably too busy to keep anybody's time. That is said
 * aloud, and is no broken promise; late on a machine that was idle is.
 */
import { FAULTS, type Expectation } from "./faults.ts";
import type { DemoRecord, MachineFacts } from "./record.ts";

export type Outcome = "kept" | "late" | "broken";

export interface Check {
  readonly outcome: Outcome;
  readonly says: string;
}

export interface Judgement {
  readonly held: boolean;
  readonly checks: readonly Check[];
  /** The one line. */
  readonly verdict: string;
}

/** From here on an event loop's delay, or the load per processor, counts as busy. */
const BUSY_LAG_MS = 50;
const BUSY_LOAD = 1;

export function judge(record: DemoRecord): Judgement {
  const { expects } = FAULTS[record.fault];
  const checks = expects.kind === "move" ? moveChecks(record, expects) : stayChecks(record, expects);
  const held = checks.every((check) => check.outcome !== "broken");
  return { held, checks, verdict: verdictOf(record, expects, checks, held) };
}

function check(kept: boolean, says: string): Check {
  return { outcome: kept ? "kept" : "broken", says };
}

function moveChecks(record: DemoRecord, expects: Extract<Expectation, { kind: "move" }>): readonly Check[] {
  const { active, standby, claims, moves, roles, caller } = record;
  const claim = claims.find(({ node }) => node === standby);
  const confirmed = roles.some(({ node, row }) => node === standby && row === "claim-confirmed");
  const back = caller.answers.filter(({ atMs }) => atMs > (caller.outage?.endMs ?? Infinity) - 1);
  const strays = back.filter(({ node }) => node !== standby).length;
  const outageMs = caller.outage?.endMs == null ? null : Math.round(caller.outage.endMs - caller.outage.startMs);
  return [
    claim === undefined ? check(false, `${standby} sent no claim`) : claimInTime(claim.atMs, expects, record),
    check(claims.length === 1 && moves.length === 1 && moves[0]?.to === standby, movesInWords(record)),
    check(claims.length > 0 && claims.every(({ allowReassociation }) => allowReassociation !== null), `one call moved it, AllowReassociation=${claim?.allowReassociation ?? "not sent"}: never left unattached`),
    check(confirmed, confirmed ? `${standby} was active only after EC2 had confirmed it twice` : `${standby} never had the claim confirmed`),
    ...(expects.oldActiveLives ? [check(record.finalRoles[active] === "standby" && record.finalRoles[standby] === "active", `${active} has read EC2 and is ${record.finalRoles[active] ?? "silent"} now`)] : []),
    check(outageMs !== null && strays === 0 && back.length > 0, outageMs === null ? "the caller was not answered again" : `the caller is answered again, by ${standby}${strays > 0 ? `, but ${strays} times by another` : ""}: ${outageMs} ms without`),
  ];
}

function claimInTime(atMs: number, { limitMs, since }: Extract<Expectation, { kind: "move" }>, record: DemoRecord): Check {
  const says = `claim sent ${Math.round(atMs)} ms after ${since}, limit ${limitMs} ms`;
  if (atMs <= limitMs) return { outcome: "kept", says };
  const busy = busyInWords(record.machine);
  return busy === null ? { outcome: "broken", says: `${says}, and this machine was not busy` } : { outcome: "late", says: `${says}: this machine was busy (${busy})` };
}

/** What shows that the machine was too busy for anybody's deadlines; null when nothing does. */
export function busyInWords({ worstLagMs, load, processors, selfDoubt }: MachineFacts): string | null {
  const signs = [
    ...(worstLagMs >= BUSY_LAG_MS ? [`event loop up to ${Math.round(worstLagMs)} ms late`] : []),
    ...(load > BUSY_LOAD * processors ? [`load ${load.toFixed(1)} on ${processors} processors`] : []),
    ...(selfDoubt ? ["an agent stalled and doubted itself"] : []),
  ];
  return signs.length === 0 ? null : signs.join(", ");
}

function movesInWords({ moves, claims, active }: DemoRecord): string {
  if (moves.length === 0) return "the address did not move";
  const path = [active, ...moves.map(({ to }) => to ?? "nobody")].join(" to ");
  return `the address moved ${moves.length === 1 ? "once" : `${moves.length} times`}, from ${path}${claims.length === moves.length ? "" : `, with ${claims.length} claims`}`;
}

function stayChecks(record: DemoRecord, { alarms }: Extract<Expectation, { kind: "stay" }>): readonly Check[] {
  const { active, standby, claims, moves, caller } = record;
  const alarm = record.conditions.find(({ node, name, atMs }) => node === standby && atMs >= 0 && alarms.includes(name));
  const strays = caller.answers.filter(({ node }) => node !== active).length;
  return [
    check(claims.length === 0 && moves.length === 0, claims.length === 0 && moves.length === 0 ? `no claim in ${(record.endMs / 1_000).toFixed(0)} s: the address stays on ${active}` : `${claims.length} claim(s) sent, ${movesInWords(record)}`),
    check(caller.lost === 0 && strays === 0 && caller.asked > 0, caller.lost === 0 ? `the caller was not interrupted: ${caller.asked} questions, all answered by ${active}` : `${caller.lost} of the caller's ${caller.asked} questions were never answered`),
    check(alarm !== undefined, alarm === undefined ? `${standby} raised no alarm (${alarms.join(", ")})` : `${standby} raised the alarm ${alarm.name} after ${(alarm.atMs / 1_000).toFixed(1)} s`),
  ];
}

function verdictOf(record: DemoRecord, expects: Expectation, checks: readonly Check[], held: boolean): string {
  if (!held) return `PROMISES BROKEN: ${checks.find((each) => each.outcome === "broken")?.says ?? ""}.`;
  if (expects.kind === "stay") return `PROMISES HELD: nothing moved, ${record.active} kept answering, an alarm was raised.`;
  const late = checks.some((each) => each.outcome === "late");
  const claimMs = Math.round(record.claims[0]?.atMs ?? 0);
  return `PROMISES HELD: one move, claim after ${claimMs} ms (limit ${expects.limitMs} ms${late ? "; late: busy machine" : ""}).`;
}
