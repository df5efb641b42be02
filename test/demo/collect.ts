/**
 * From what the agents logged, what EC2 received and what the caller measured to the record. Nothing is guessed: every
 * fact is a line of an agent's log, a call that reached EC2, an answer of a status page, or a packet of the caller.
 */
import { MARK_TAG } from "../../agent/adapters/ec2-translation.ts";
import type { StatusView } from "../../agent/status/schema.ts";
import type { CallRecord, MoveRecord } from "../support/aws/aws-lab.ts";
import type { Answer, CallerReport } from "../support/lab/caller.ts";
import { z } from "zod";
import type { AnswerFact, CallerFacts, ClaimAnswerFact, ClaimFact, ConditionFact, DemoRecord, MachineFacts, MoveFact, NodeName, ProbeFact, RoleFact, VotesFact } from "./record.ts";
import type { FaultName } from "./faults.ts";

/** Facts from before the fault are kept for so long, for the beginning of the picture (ms). */
const BEFORE_MS = 1_500;
/** A time without an answer that is longer is an outage; callers ask every 50 ms (ms). */
export const OUTAGE_OVER_MS = 300;

/** One status page, and when it was asked for. Monotonic milliseconds. */
export interface SeenStatus {
  readonly node: NodeName;
  readonly atMs: number;
  readonly view: StatusView;
}

/** What the demo has gathered; all times are the machine's monotonic milliseconds. */
export interface Gathered {
  readonly fault: FaultName;
  readonly active: NodeName;
  readonly standby: NodeName;
  readonly faultAtMs: number;
  readonly endedAtMs: number;
  readonly logs: Readonly<Record<NodeName, string>>;
  readonly calls: readonly CallRecord[];
  readonly moves: readonly MoveRecord[];
  /** When packets followed each of the moves, in the same order. */
  readonly followedAtMs: readonly number[];
  readonly statuses: readonly SeenStatus[];
  readonly finalRoles: Readonly<Record<NodeName, string | null>>;
  /** The caller's count since the fault, and all its answers. */
  readonly report: Pick<CallerReport, "sent" | "lost">;
  readonly answers: readonly Answer[];
  readonly machine: Omit<MachineFacts, "selfDoubt">;
  /** From the embedded AWS's clock to the others'. */
  readonly awsToMonotonicMs: (ms: number) => number;
  /** The node that has this access key or instance. */
  readonly nodeOf: (accessKeyOrInstance: string) => NodeName | null;
}

const lineSchema = z.looseObject({ event: z.string(), monoMs: z.number(), msg: z.string() });
type Line = z.infer<typeof lineSchema>;

/** The lines of an agent's log; others (a warning of Node's) are passed over. */
function linesOf(log: string): Line[] {
  return log.split("\n").flatMap((text) => {
    if (!text.startsWith("{")) return [];
    try {
      const line = lineSchema.safeParse(JSON.parse(text));
      return line.success ? [line.data] : [];
    } catch {
      return []; // The last line of a process that was killed while it wrote.
    }
  });
}

export function recordOf(gathered: Gathered): DemoRecord {
  const { faultAtMs, active, standby, nodeOf } = gathered;
  const since = (monoMs: number): number => monoMs - faultAtMs;
  const shown = (atMs: number): boolean => atMs >= -BEFORE_MS;
  const logs = { [active]: linesOf(gathered.logs[active]), [standby]: linesOf(gathered.logs[standby]) } as Record<NodeName, Line[]>;
  const both = [active, standby].flatMap((node) => logs[node].map((line) => ({ node, line, atMs: since(line.monoMs) }))).filter(({ atMs }) => shown(atMs)).toSorted((a, b) => a.atMs - b.atMs);
  const calls = gathered.calls.flatMap((call) => {
    const node = nodeOf(call.caller);
    return node === null ? [] : [{ node, call, atMs: since(gathered.awsToMonotonicMs(call.receivedAtMs)) }];
  }).filter(({ atMs, call }) => shown(atMs) && call.parameters["DryRun"] !== "true");
  const conditions = both.filter(({ line }) => line.event === "condition-began").map(({ node, line, atMs }): ConditionFact => ({ node, atMs, name: text(line, "condition"), sentence: line.msg }));
  return {
    fault: gathered.fault, active, standby,
    heartbeats: both.filter(({ node, line }) => node === standby && line.event === "heartbeat-received" && text(line, "from") === active).map(({ atMs }) => atMs),
    probes: both.filter(({ node }) => node === standby).flatMap(({ line, atMs }) => probe(line, atMs, { watchSip: "sip", watchEip: "eip" })),
    ownProbes: both.filter(({ node }) => node === active).flatMap(({ line, atMs }) => probe(line, atMs, { "probe:sip": "sip", "probe:ari": "ari" })),
    suspectedAtMs: suspectedAt(gathered),
    reads: calls.filter(({ call }) => call.action === "DescribeAddresses").map(({ node, atMs }) => ({ node, atMs })),
    marks: calls.filter(({ call }) => call.action === "CreateTags" && Object.values(call.parameters).includes(MARK_TAG)).map(({ node, atMs }) => ({ node, atMs })),
    claims: calls.filter(({ call }) => call.action === "AssociateAddress").map(({ node, call, atMs }): ClaimFact => ({ node, atMs, allowReassociation: typeof call.parameters["AllowReassociation"] === "string" ? call.parameters["AllowReassociation"] : null })),
    claimAnswers: both.filter(({ line }) => line.event === "claim-answered").map(({ node, line, atMs }): ClaimAnswerFact => ({ node, atMs, afterMs: Number(line["ms"]), failure: failureCode(line) })),
    roles: both.filter(({ line }) => line.event === "role-changed").map(({ node, line, atMs }): RoleFact => ({ node, atMs, from: text(line, "from"), to: text(line, "to"), row: text(line, "row"), sentence: line.msg })),
    conditions,
    moves: gathered.moves.map((move, index): MoveFact => ({ to: move.to?.instanceId == null ? null : nodeOf(move.to.instanceId), atMs: since(gathered.awsToMonotonicMs(move.atMs)), followedAtMs: since(gathered.followedAtMs[index] ?? gathered.endedAtMs) })),
    caller: callerFacts(gathered),
    votes: votesOf(gathered),
    finalRoles: gathered.finalRoles,
    machine: { ...gathered.machine, selfDoubt: conditions.some(({ name, atMs }) => name === "self-doubt" && atMs >= 0) },
    endMs: since(gathered.endedAtMs),
  };
}

function text(line: Line, field: string): string {
  const value = line[field];
  return typeof value === "string" ? value : "";
}

function failureCode(line: Line): string | null {
  const error = line["err"];
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : null;
}

/** The end of a probe is what is logged, with how long it took. */
function probe(line: Line, endedAtMs: number, channels: Readonly<Record<string, ProbeFact["channel"]>>): ProbeFact[] {
  const channel = line.event === "request-finished" ? channels[text(line, "request")] : undefined;
  if (channel === undefined) return [];
  const failure = failureCode(line);
  return [{ channel, sentAtMs: endedAtMs - Number(line["ms"]), endedAtMs, ok: failure === null, refused: failure === "AGENT_PROBE_REFUSED" }];
}

/**
 * The first suspicion after the fault, as the standby's own status dates it. A status is read after its ages were
 * counted, so each of them dates the suspicion a little late: the earliest is the nearest.
 */
function suspectedAt({ statuses, standby, faultAtMs }: Gathered): number | null {
  const dates = statuses.flatMap(({ node, atMs, view }) => (node === standby && view.votes?.suspectedForMs != null ? [atMs - view.votes.suspectedForMs - faultAtMs] : []));
  return dates.length === 0 ? null : Math.min(...dates);
}

/** The votes while the claim was under way; without a claim, the last ones. */
function votesOf({ statuses, standby, faultAtMs }: Gathered): VotesFact | null {
  const seen = statuses.filter(({ node, view }) => node === standby && view.votes !== null && view.role !== "active");
  const chosen = seen.find(({ view }) => view.role === "claiming") ?? seen.at(-1);
  if (chosen?.view.votes == null) return null;
  return { atMs: chosen.atMs - faultAtMs, votes: chosen.view.votes, waitsFor: chosen.view.waitsFor };
}

function callerFacts({ report, answers, faultAtMs, endedAtMs }: Gathered): CallerFacts {
  const all = answers.toSorted((a, b) => a.atMs - b.atMs);
  const facts = all.map((answer): AnswerFact => ({ sentAtMs: answer.sentAtMs - faultAtMs, atMs: answer.atMs - faultAtMs, node: answer.node === "node-c" ? null : answer.node })).filter(({ atMs }) => atMs >= -BEFORE_MS);
  const ends = [...facts.map(({ atMs }) => atMs), endedAtMs - faultAtMs];
  const gaps = ends.slice(1).map((endMs, index) => ({ startMs: ends[index] ?? 0, endMs: index + 1 < facts.length ? endMs : null, lengthMs: endMs - (ends[index] ?? 0) })).filter(({ startMs, lengthMs }) => startMs + lengthMs > 0);
  const longest = gaps.reduce<(typeof gaps)[number] | null>((worst, gap) => (worst === null || gap.lengthMs > worst.lengthMs ? gap : worst), null);
  return {
    answers: facts,
    asked: report.sent,
    lost: report.lost,
    longestGapMs: longest?.lengthMs ?? 0,
    outage: longest !== null && longest.lengthMs > OUTAGE_OVER_MS ? { startMs: longest.startMs, endMs: longest.endMs } : null,
  };
}
