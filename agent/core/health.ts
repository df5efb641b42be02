/**
 * Can this node really take calls? Orthogonal probes, folded with hysteresis. Intuition: a refused connection is proof
 * that Asterisk is gone and counts at once; a missing answer needs company; coming back takes more than one good answer.
 */
import type { Completion } from "./events.ts";
import type { CoreConfig } from "./settings.ts";
import type { MonotonicMs } from "./types.ts";

/** Our own probes, by name. `stasis:APP` is one per application of STASIS_APPS. */
export type ProbeName = "ari" | "sip" | "sipTcp" | "canary" | "queues" | "database" | "counts" | "contacts" | "version" | `stasis:${string}`;

/** down: can't take calls. degraded: can, but something needs a look. unknown: not measured yet, so no claim and no yield. */
export type Serving = "serving" | "degraded" | "down" | "unknown";

/** Calls can be taken (promise S3 asks for this before a claim). */
export function canServe(serving: Serving): boolean {
  return serving === "serving" || serving === "degraded";
}

/** The row of answers of one probe. */
export interface ProbeHealth {
  readonly okAtMs: MonotonicMs | null;
  /** Successes since the last miss, and misses since the last success. */
  readonly hits: number;
  readonly misses: number;
  readonly firstMissAtMs: MonotonicMs | null;
  /** The last miss was a refusal: nothing listens there. */
  readonly refused: boolean;
  readonly latencyMs: number | null;
  readonly failure: string | null;
}

export interface Health {
  readonly serving: Serving;
  /** A sentence for the operator. */
  readonly reason: string;
  readonly sinceMs: MonotonicMs;
  readonly ariSocketOpen: boolean;
  readonly probes: Readonly<Partial<Record<ProbeName, ProbeHealth>>>;
  readonly calls: number;
  readonly channels: number;
  readonly alertedQueues: number;
  readonly contactsReachable: number;
  readonly contactsUnreachable: number;
  /** Asterisk's version; null before it has told. */
  readonly version: string | null;
}

const UNTRIED: ProbeHealth = { okAtMs: null, hits: 0, misses: 0, firstMissAtMs: null, refused: false, latencyMs: null, failure: null };

export function initialHealth(atMs: MonotonicMs): Health {
  return { serving: "unknown", reason: "Not measured yet.", sinceMs: atMs, ariSocketOpen: false, probes: {}, calls: 0, channels: 0, alertedQueues: 0, contactsReachable: 0, contactsUnreachable: 0, version: null };
}

/** The row of a probe; an untried one when it has never run. */
export function probeHealth(health: Health, name: ProbeName): ProbeHealth {
  return health.probes[name] ?? UNTRIED;
}

/** Because of whom Asterisk answers 503: ours, by a drain; its own, which is bad news; unknown before Asterisk has been told what we want. */
export type Refusal = "ours" | "own" | "unknown";

/** Folds the completion of one of our own probes; `sentAtMs` is when it was sent. */
export function foldProbe(health: Health, completion: Extract<Completion, { kind: "probe" }>, sentAtMs: MonotonicMs, atMs: MonotonicMs, refusal: Refusal): Health {
  if (refusal === "unknown" && completion.outcome.ok && completion.outcome.value.status === 503) return health;
  const failure = probeFailure(completion, refusal);
  const old = probeHealth(health, completion.probe);
  const row: ProbeHealth =
    failure === null
      ? { okAtMs: atMs, hits: old.hits + 1, misses: 0, firstMissAtMs: null, refused: false, latencyMs: atMs - sentAtMs, failure: null }
      : { ...old, hits: 0, misses: old.misses + 1, firstMissAtMs: old.firstMissAtMs ?? sentAtMs, refused: failure.refused, failure: failure.says };
  const measured = completion.outcome.ok ? completion.outcome.value : {};
  // Field by field, as in all that changes with every answer: V8 copies the copy of a copy many times as slowly (measured).
  return {
    serving: health.serving,
    reason: health.reason,
    sinceMs: health.sinceMs,
    ariSocketOpen: health.ariSocketOpen,
    probes: { ...health.probes, [completion.probe]: row },
    calls: measured.calls ?? health.calls,
    channels: measured.channels ?? health.channels,
    alertedQueues: measured.alerted ?? health.alertedQueues,
    contactsReachable: measured.reachable ?? health.contactsReachable,
    contactsUnreachable: measured.unreachable ?? health.contactsUnreachable,
    version: measured.version ?? health.version,
  };
}

/** What of an answer is bad news. SIP: any final response but 503 is proof of life: Asterisk answers 503 while it stops and while it sheds load. */
function probeFailure(completion: Extract<Completion, { kind: "probe" }>, refusal: Refusal): { readonly refused: boolean; readonly says: string } | null {
  const { outcome } = completion;
  if (!outcome.ok) return { refused: outcome.failure.code === "AGENT_PROBE_REFUSED", says: outcome.failure.message };
  if (outcome.value.status === 503 && refusal === "own") return { refused: false, says: "SIP is answered with 503" };
  if (outcome.value.connected === false) return { refused: false, says: "Asterisk's query failed" };
  if (outcome.value.registered === false) return { refused: false, says: "the application is not registered" };
  return null;
}

/** One thing that is wrong, and how bad it is. */
interface Finding {
  readonly level: Exclude<Serving, "serving">;
  readonly says: string;
}

/** Judges the probes anew. The state changes, and `sinceMs` with it, only when the verdict does. */
export function judgeHealth(health: Health, nowMs: MonotonicMs, config: CoreConfig): Health {
  // One list for all: nearly always it stays empty, and it is asked for in every step.
  const findings: Finding[] = [];
  reachability(findings, health, config);
  applications(findings, health, nowMs, config);
  canary(findings, health, config);
  queues(findings, health);
  database(findings, health, config);
  const worst = findings.find((finding) => finding.level === "down") ?? findings[0];
  const found = worst?.level ?? "serving";
  // Coming back takes several good answers, so that a flapping Asterisk stays down; a first measurement takes one of each.
  const settled = canServe(health.serving) || hasSettled(health, health.serving === "down" ? config.probeUpAfter : 1, config);
  const serving: Serving = found === "down" || settled ? found : health.serving;
  const reason = found !== "down" && !settled ? waitingFor(health) : (worst?.says ?? "Takes calls: ARI, SIP, the Stasis applications and the canary call answer.");
  if (serving === health.serving && reason === health.reason) return health;
  return { ...health, serving, reason, sinceMs: serving === health.serving ? health.sinceMs : nowMs };
}

function reachability(findings: Finding[], health: Health, config: CoreConfig): void {
  const ari = probeHealth(health, "ari");
  const sip = probeHealth(health, "sip");
  const tcp = probeHealth(health, "sipTcp");
  // Both doors refused at once: the process is gone, there is nothing to wait for (promise L1).
  if (ari.refused && sip.refused) {
    findings.push({ level: "down", says: "Asterisk is not running: ARI and SIP are both refused." });
    return;
  }
  const gone = (row: ProbeHealth): boolean => row.misses >= config.probeDownAfter;
  if (gone(ari) && gone(sip)) {
    findings.push({ level: "down", says: `Asterisk answers neither ARI nor SIP (${config.probeDownAfter} misses in a row): it hangs or is overloaded.` });
    return;
  }
  if (gone(sip)) findings.push({ level: "down", says: `SIP over UDP does not answer: ${sip.failure ?? "no answer"}.` });
  if (gone(ari)) findings.push({ level: "down", says: `ARI does not answer: ${ari.failure ?? "no answer"}.` });
  // Without the event socket no canary call can be made, so whether calls can be made is not known.
  if (!health.ariSocketOpen && ari.misses === 0 && canServe(health.serving)) findings.push({ level: "degraded", says: "The ARI event socket is closed although ARI answers: no canary call can be made." });
  if (config.sipTcp && gone(tcp)) findings.push({ level: "degraded", says: `SIP over TCP does not answer: ${tcp.failure ?? "no answer"}.` });
}

function applications(findings: Finding[], health: Health, nowMs: MonotonicMs, config: CoreConfig): void {
  for (const { app, probe } of config.stasisProbes) {
    const row = probeHealth(health, probe);
    if (row.misses === 0 || row.firstMissAtMs === null) continue;
    const missingMs = nowMs - row.firstMissAtMs;
    // A restart of the application under pm2 takes seconds and must not move the address.
    if (missingMs >= config.stasisDownAfterMs && row.misses >= 2) findings.push({ level: "down", says: `The Stasis application ${app} has been missing for ${Math.floor(missingMs / 1000)} s: ${row.failure ?? "no answer"}.` });
    else findings.push({ level: "degraded", says: `The Stasis application ${app} is missing: ${row.failure ?? "no answer"}.` });
  }
}

function canary(findings: Finding[], health: Health, config: CoreConfig): void {
  const row = probeHealth(health, "canary");
  if (row.misses >= config.canaryDownAfter) findings.push({ level: "down", says: `Asterisk answers but can't make a call: the canary call failed ${row.misses} times in a row (${row.failure ?? "no answer"}).` });
  else if (row.misses > 0 && row.okAtMs !== null) findings.push({ level: "degraded", says: `The last canary call failed: ${row.failure ?? "no answer"}.` });
}

function queues(findings: Finding[], health: Health): void {
  if (health.alertedQueues > 0) findings.push({ level: "degraded", says: `Asterisk is overloaded: ${health.alertedQueues} taskprocessor subsystem(s) in alert, new SIP requests are dropped.` });
}

/** Trunk calls need no database, so it never makes a node down; both nodes share it, and a move would not help. */
function database(findings: Finding[], health: Health, config: CoreConfig): void {
  const row = probeHealth(health, "database");
  if (config.database && row.misses >= 2) findings.push({ level: "degraded", says: `Asterisk has no database: phones can't register or be called (${row.failure ?? "no answer"}).` });
}

function hasSettled(health: Health, hits: number, config: CoreConfig): boolean {
  const often = probeHealth(health, "ari").hits >= hits && probeHealth(health, "sip").hits >= hits;
  const once = probeHealth(health, "canary").hits >= 1 && config.stasisProbes.every(({ probe }) => probeHealth(health, probe).hits >= 1);
  return often && once;
}

function waitingFor(health: Health): string {
  const missing = (["ari", "sip", "canary"] as const).filter((name) => probeHealth(health, name).hits === 0);
  return missing.length > 0 ? `Waiting for the first answer of: ${missing.join(", ")}.` : "Answers again; waiting for several good answers in a row.";
}

/** The frequent probes speed up while it is unclear whether Asterisk is going or coming back. */
export function healthHurries(health: Health, config: CoreConfig): boolean {
  const { misses: ariMisses, hits: ariHits } = probeHealth(health, "ari");
  const { misses: sipMisses, hits: sipHits } = probeHealth(health, "sip");
  const going = (misses: number): boolean => misses > 0 && misses <= 2 * config.probeDownAfter;
  const coming = (hits: number): boolean => hits > 0 && hits <= 2 * config.probeUpAfter;
  return going(ariMisses) || going(sipMisses) || (!canServe(health.serving) && (coming(ariHits) || coming(sipHits)));
}

/**
 * Something that makes a node down is failing at this moment. While Asterisk comes back the verdict is still `down`, and after
 * a stall of ours it may be old: neither is a reason to ask anybody to take over.
 */
export function stillFails(health: Health): boolean {
  return (Object.keys(health.probes) as ProbeName[]).some((name) => (name === "ari" || name === "sip" || name === "canary" || name.startsWith("stasis:")) && probeHealth(health, name).misses > 0);
}

/**
 * The verdict rests on a good answer of ARI or SIP to a question from before that instant. After a stall of ours that is no
 * proof that calls can be taken now (promises S3 and S7). A verdict without any answer does not come about.
 */
export function restsOnOldAnswers(health: Health, sinceMs: MonotonicMs): boolean {
  const isOld = ({ okAtMs, latencyMs }: ProbeHealth): boolean => okAtMs !== null && okAtMs - (latencyMs ?? 0) < sinceMs;
  return isOld(probeHealth(health, "ari")) || isOld(probeHealth(health, "sip"));
}

/** Forgets the rows of misses: after a stall of ours they say nothing of Asterisk (promise S7). The verdict stays. */
export function doubtHealth(health: Health): Health {
  const probes: Partial<Record<ProbeName, ProbeHealth>> = {};
  for (const name of Object.keys(health.probes) as ProbeName[]) probes[name] = { ...probeHealth(health, name), misses: 0, firstMissAtMs: null, refused: false };
  return { ...health, probes };
}
