/** What happened, in order: the record's facts as sentences, each with when and who. The order is that of the clock. */
import { FAULTS } from "./faults.ts";
import type { DemoRecord, NodeName, ProbeFact } from "./record.ts";
import type { Colour } from "./style.ts";

export interface Entry {
  readonly atMs: number;
  readonly who: NodeName | "EC2" | "caller" | "network";
  readonly says: string;
  readonly colour: Colour | null;
}

/** After so many misses in a row a probe says down: PROBE_DOWN_AFTER. */
const MISSES = 3;
/** Conditions that say again what the list has said already. */
const REPEATS: readonly string[] = ["asterisk-down", "peer-asterisk-down", "yielding"];
/** Where alive marks go on for ever, the first few tell the story. */
const MARKS_TOLD = 2;
/** The agents' log has whole milliseconds: what a call caused may be logged as if it came just before the call. */
const CLOCK_GRAIN_MS = 1;

export function timeline(record: DemoRecord): readonly Entry[] {
  const { active, standby } = record;
  const { where, happens } = FAULTS[record.fault];
  const entries: Entry[] = [
    { atMs: 0, who: where === "active" ? active : where, says: happens(active, standby), colour: "red" },
    ...hearing(record),
    ...ownProbes(record),
    ...channel(record, "sip", `${active}'s private address`),
    ...channel(record, "eip", "the Elastic IP"),
    ...cloud(record),
    ...claims(record),
    ...roles(record),
    ...alarms(record),
    ...caller(record),
  ];
  // The fault comes before what is stamped with the same millisecond.
  return entries.filter(({ atMs }) => atMs >= -1_000).toSorted((a, b) => a.atMs - b.atMs);
}

function hearing({ heartbeats, suspectedAtMs, active, standby, fault }: DemoRecord): Entry[] {
  const last = heartbeats.at(-1);
  // Only where they stop: an agent that lives goes on sending them.
  const stopped = fault === "death" || fault === "agent-death" || fault === "partition";
  return [
    ...(stopped && last !== undefined ? [{ atMs: last, who: standby, says: `hears the last heartbeat of ${active}`, colour: null }] : []),
    ...(suspectedAtMs === null ? [] : [{ atMs: suspectedAtMs, who: standby, says: stopped ? `SUSPECTS ${active}: heartbeat late; probes hurry, EC2 is asked` : `SUSPECTS ${active}: it says that it does not serve`, colour: "yellow" as const }]),
  ];
}

/** The first refusal, or the misses that add up to "down", of the active's own Asterisk. */
function ownProbes({ ownProbes: probes, active, fault }: DemoRecord): Entry[] {
  if (fault !== "crash" && fault !== "hang") return [];
  return (["ari", "sip"] as const).flatMap((name): Entry[] => {
    const missed = missesAfterFault(probes, name);
    const first = missed[0];
    if (first === undefined) return [];
    if (first.refused) return [{ atMs: first.endedAtMs, who: active, says: `its own Asterisk refuses (${name.toUpperCase()})`, colour: "yellow" }];
    const third = missed[MISSES - 1];
    return third === undefined ? [] : [{ atMs: third.endedAtMs, who: active, says: `no answer ${MISSES} times from its own Asterisk (${name.toUpperCase()})`, colour: "yellow" }];
  });
}

/** Failures with no answer in between, of what was asked after the fault or was under way. */
function missesAfterFault(probes: readonly ProbeFact[], name: ProbeFact["channel"]): readonly ProbeFact[] {
  const mine = probes.filter(({ channel: each, endedAtMs }) => each === name && endedAtMs >= 0);
  const firstMiss = mine.findIndex(({ ok }) => !ok);
  if (firstMiss < 0) return [];
  const row = mine.slice(firstMiss);
  const end = row.findIndex(({ ok }) => ok);
  return end < 0 ? row : row.slice(0, end);
}

/** What the standby's probe of one channel found. */
function channel({ probes, standby, fault, suspectedAtMs }: DemoRecord, name: "sip" | "eip", where: string): Entry[] {
  if (fault === "crash" || fault === "hang") return [];
  const missed = missesAfterFault(probes, name);
  const third = missed[MISSES - 1];
  if (third !== undefined) return [{ atMs: third.endedAtMs, who: standby, says: `${name}: no answer ${MISSES} times from ${where}: down`, colour: "yellow" }];
  const answered = probes.find((probe) => probe.channel === name && probe.ok && suspectedAtMs !== null && probe.sentAtMs >= suspectedAtMs);
  return answered === undefined ? [] : [{ atMs: answered.endedAtMs, who: standby, says: `${name}: ${where} answers: up`, colour: "green" }];
}

/** Reads of EC2 by the standby between the suspicion and the claim, and the active's alive marks. */
function cloud({ reads, marks, claims: sent, suspectedAtMs, active, standby }: DemoRecord): Entry[] {
  const untilMs = sent[0]?.atMs ?? Infinity;
  const asked = suspectedAtMs === null ? [] : reads.filter(({ node, atMs }) => node === standby && atMs >= suspectedAtMs - CLOCK_GRAIN_MS && atMs < untilMs);
  const told = asked.slice(0, sent.length > 0 ? asked.length : MARKS_TOLD).map(({ atMs }, index): Entry => ({ atMs, who: "EC2", says: index === 0 ? `${standby} asks: who holds the address, is there an alive mark?` : `${standby} asks again`, colour: null }));
  const written = marks.filter(({ node, atMs }) => node === active && atMs >= 0);
  const shown = written.slice(0, MARKS_TOLD).map(({ atMs }, index): Entry => ({ atMs, who: "EC2", says: `${active} writes ${index === 0 ? "an alive mark: it serves, and misses its peer" : "the next alive mark (and so on, once a second)"}`, colour: "green" }));
  return [...told, ...shown];
}

function claims({ claims: sent, claimAnswers, moves }: DemoRecord): Entry[] {
  return [
    ...sent.map(({ node, atMs, allowReassociation }): Entry => ({ atMs, who: "EC2", says: `gets AssociateAddress from ${node}, AllowReassociation=${allowReassociation ?? "not sent"}`, colour: "magenta" })),
    ...claimAnswers.map(({ node, atMs, afterMs, failure }): Entry => ({ atMs, who: node, says: failure === null ? `is told "accepted" after ${afterMs} ms; reads back` : `the claim ended with ${failure} after ${afterMs} ms`, colour: failure === null ? null : "yellow" })),
    ...moves.flatMap(({ to, atMs, followedAtMs }): Entry[] => [
      { atMs, who: "EC2", says: `the address is on ${to ?? "nobody"}`, colour: "magenta" },
      { atMs: followedAtMs, who: "network", says: `packets to the Elastic IP reach ${to ?? "nobody"} from now on`, colour: "cyan" },
    ]),
  ];
}

function roles({ roles: changes }: DemoRecord): Entry[] {
  return changes.map(({ node, atMs, to, row, sentence }): Entry => {
    const says = to === "claiming" ? `CLAIMS: ${sentence}` : `${to.toUpperCase()}: ${sentence}`;
    return { atMs: row === "claim-confirmed" ? atMs : atMs - CLOCK_GRAIN_MS, who: node, says, colour: to === "active" ? "green" : to === "claiming" ? "magenta" : "cyan" };
  });
}

/** What the agents shout about, unless it only repeats what the probes and the claim have told. */
function alarms({ conditions }: DemoRecord): Entry[] {
  return conditions.filter(({ atMs, name }) => atMs >= 0 && !REPEATS.includes(name)).map(({ node, atMs, name, sentence }): Entry => ({ atMs, who: node, says: `alarm ${name}: ${sentence}`, colour: "yellow" }));
}

function caller({ caller: facts, standby }: DemoRecord): Entry[] {
  const { outage, answers } = facts;
  if (outage === null) return [];
  const by = answers.find(({ atMs }) => outage.endMs !== null && atMs >= outage.endMs)?.node ?? standby;
  return [
    { atMs: outage.startMs, who: "caller", says: "gets the last answer for a while", colour: "red" },
    ...(outage.endMs === null ? [] : [{ atMs: outage.endMs, who: "caller" as const, says: `is answered again, by ${by}`, colour: "green" as const }]),
  ];
}
