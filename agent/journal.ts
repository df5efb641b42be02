/**
 * Turns what the driver did into log lines. Intuition: an operator reads the log after the night. Role changes stand
 * out; a lasting situation is told when it begins and when it ends, never in between; a healthy node says one sentence
 * an hour. The core never logs, and adapters only at debug: what was decided is told here and nowhere else.
 */
import { makeConditionBook } from "./condition-book.ts";
import { conditions } from "./core/conditions.ts";
import { inWords } from "./core/in-words.ts";
import { holderName, sameHolder } from "./core/ownership.ts";
import type { CoreConfig } from "./core/settings.ts";
import type { Step } from "./core/step.ts";
import { hearing } from "./core/suspicion.ts";
import { switchoverSays } from "./core/switchover.ts";
import { takeoverSays } from "./core/takeover.ts";
import type { Completion, Event, Notice } from "./core/events.ts";
import type { State } from "./core/state.ts";
import { type Log, type LogLevel, say, type Tell } from "./log.ts";
import { makeRefusalBook } from "./refusal-book.ts";
import type { PeerLinkHandlers } from "./ports.ts";

/** How often conditions are looked at: they cost a count of the votes. */
const EVALUATE_INTERVAL_MS = 1_000;
const SUMMARY_INTERVAL_MS = 3_600_000;
/** A wall clock that moves otherwise than the monotonic one by this much was set; smaller steps are NTP's slewing. */
const WALL_STEP_MS = 2_000;
/** Connection changes of one member at info at most this often: a reset loop must not fill the log. */
const CONNECTION_TOLD_EVERY_MS = 10_000;
const DEFECT_TOLD_EVERY_MS = 60_000;

/** One tick on both clocks. */
interface Ticked {
  readonly atMs: number;
  readonly wallMs: number;
}

/** What main.ts wires: `observe` into DriverOptions, the other two into the peer link's handlers. */
export interface Journal {
  readonly observe: (before: State, event: Event, result: Step) => void;
  readonly onRefused: PeerLinkHandlers["onRefused"];
  readonly onConnection: PeerLinkHandlers["onConnection"];
  /** Refusals since the start, by kind; for status. */
  readonly refusals: () => Readonly<Record<string, number>>;
}

export function makeJournal(options: { readonly log: Log; readonly config: CoreConfig; readonly clock: { monotonicMs(): number } }): Journal {
  const { log, config, clock } = options;
  const tell: Tell = (level, event, fields, sentence) => {
    say(log, level, event, { role, ...fields }, sentence);
  };
  const book = makeConditionBook(tell);
  const connections = new Map<string, { connected: boolean; toldAtMs: number }>();
  const refusals = makeRefusalBook(tell);
  let role: State["role"] = config.kind === "witness" ? "witness" : "starting";
  let evaluatedAtMs = -Infinity;
  let summarisedAtMs: number | null = null;
  let ticked: Ticked | null = null;
  let defectToldAtMs = -Infinity;

  const evaluate = (state: State): void => {
    evaluatedAtMs = state.nowMs;
    book.note(conditions(state, config), state.nowMs);
    refusals.expire(state.nowMs);
  };

  const watchWallClock = (tick: Ticked): void => {
    const stepMs = ticked === null ? 0 : tick.wallMs - ticked.wallMs - (tick.atMs - ticked.atMs);
    ticked = tick;
    if (Math.abs(stepMs) >= WALL_STEP_MS) tell("warn", "wall-clock-set", { stepMs: Math.round(stepMs) }, `The wall clock was set ${inWords(Math.abs(stepMs))} ${stepMs > 0 ? "forward" : "back"}.`);
  };

  const summarise = (state: State): void => {
    summarisedAtMs ??= state.startedAtMs;
    if (state.nowMs - summarisedAtMs < SUMMARY_INTERVAL_MS) return;
    summarisedAtMs = state.nowMs;
    const open = book.open();
    tell("info", "summary", { conditions: open }, summaryOf(state, config, open.length));
  };

  const watch: Journal["observe"] = (before, event, { state, actions }) => {
    role = state.role;
    const changed = actions.find((action): action is Extract<Notice, { type: "roleChanged" }> => action.type === "roleChanged");
    if (changed !== undefined) tell(levelOfRow(changed.row), "role-changed", { from: changed.from, to: changed.to, row: changed.row }, changed.reason);
    tellFacts(before, event, state, config, tell);
    if (log.isLevelEnabled("debug")) tellDetails(event, tell);
    const due = event.type === "ticked" && state.nowMs - evaluatedAtMs >= EVALUATE_INTERVAL_MS;
    if (due || changed !== undefined) evaluate(state);
    if (event.type !== "ticked") return;
    watchWallClock(event);
    summarise(state);
  };

  return {
    observe: (before, event, result) => {
      try {
        watch(before, event, result);
      } catch (error) {
        // This runs between a decision and its actions: a defect in what is told must not stop what is done.
        if (clock.monotonicMs() - defectToldAtMs < DEFECT_TOLD_EVERY_MS) return;
        defectToldAtMs = clock.monotonicMs();
        tell("error", "defect-found", { err: error }, "The journal failed to tell what happened: the agent goes on.");
      }
    },
    onRefused: (refusal, claimed, remoteAddress) => {
      refusals.note(refusal, claimed, remoteAddress, clock.monotonicMs());
    },
    onConnection: (to, connected, detail) => {
      const nowMs = clock.monotonicMs();
      const known = connections.get(to);
      const quiet = known !== undefined && (known.connected === connected || nowMs - known.toldAtMs < CONNECTION_TOLD_EVERY_MS);
      if (!quiet) connections.set(to, { connected, toldAtMs: nowMs });
      tell(quiet ? "debug" : "info", "connection-changed", { to, connected, detail }, connected ? `Connected to ${to}.` : `No connection to ${to}: ${detail}`);
    },
    refusals: refusals.counts,
  };
}

/** What moves or may move callers stands out; so does losing them. */
function levelOfRow(row: string): LogLevel {
  return row.startsWith("claim-") || row === "deposed" ? "warn" : "info";
}

function tellFacts(before: State, event: Event, state: State, config: CoreConfig, tell: Tell): void {
  const old = before.ownership.holder;
  if (config.kind === "node" && old !== null && !sameHolder(old, state.ownership.holder)) {
    tell("warn", "owner-changed", { from: holderName(old), to: holderName(state.ownership.holder) }, `EC2 shows the Elastic IP on ${holderName(state.ownership.holder)}; it was on ${holderName(old)}.`);
  }
  tellOrders(before, state, tell);
  if (event.type === "completed" && event.completion.kind === "startInstance") {
    const { node, reason, outcome } = event.completion;
    if (outcome.ok) tell("warn", "standby-started", { started: node }, reason);
    else tell("error", "standby-started", { started: node, err: outcome.failure }, `${node} could not be started (${outcome.failure.code}: ${outcome.failure.message}); it is tried again. ${reason}`);
  }
  if (event.type === "operationReceived") tell("info", "operator-commanded", { command: "switchover", from: event.from }, `An operator asked on ${event.from} for a switchover: ${event.frame.request.reason}`);
  if (event.type === "operatorCommanded") tell("info", "operator-commanded", { command: event.command.kind }, commandInWords(event.command));
  if (event.type === "completed" && event.completion.kind === "claim") {
    const { outcome } = event.completion;
    const ms = Math.round(event.atMs - event.startedAtMs);
    if (outcome.ok) tell("info", "claim-answered", { ms }, `EC2 accepted the claim after ${ms} ms; reading back.`);
    else tell("warn", "claim-answered", { ms, err: outcome.failure }, `The claim ended after ${ms} ms with ${outcome.failure.code}: ${outcome.failure.message}`);
  }
}

/** A switchover or a takeover, each time that it comes one step further. */
function tellOrders(before: State, state: State, tell: Tell): void {
  const { switchover, takeover } = state;
  if (switchover !== null && (switchover.id !== before.switchover?.id || switchover.phase !== before.switchover.phase)) {
    const { id, to, phase } = switchover;
    tell(phase === "failed" || phase === "refused" ? "warn" : "info", "switchover-changed", { id, to, phase }, switchoverSays(state));
  }
  if (takeover !== null && (takeover.id !== before.takeover?.id || takeover.phase !== before.takeover.phase)) {
    const { id, phase } = takeover;
    tell("warn", "switchover-changed", { id, phase }, phase === "claiming" ? takeoverSays(state) : takeover.ending);
  }
}

function commandInWords(command: Extract<Event, { type: "operatorCommanded" }>["command"]): string {
  switch (command.kind) {
    case "pause":
      return `An operator paused automatic claims ${command.forMs === null ? "until they are resumed" : `for ${inWords(command.forMs)}`}: ${command.reason}`;
    case "drain":
      return `An operator lets this node drain for at most ${inWords(command.forMs)}: ${command.reason}`;
    case "undrain":
      return "An operator ended the drain: this node takes new calls again.";
    case "switchover":
      return `An operator asks for a switchover${command.request.to === null ? "" : ` to ${command.request.to}`}${command.request.dryRun ? ", as a dry run" : ""}: ${command.request.reason}`;
    case "takeover":
      return `An operator tells this node to take the address over: ${command.request.reason}`;
    case "resume":
      return "An operator resumed automatic claims.";
    case "acknowledge":
      return "An operator acknowledged the claims of the last hour: this node may claim again.";
  }
}

function tellDetails(event: Event, tell: Tell): void {
  if (event.type === "heartbeatReceived") tell("debug", "heartbeat-received", { from: event.from, sequence: event.heartbeat.sequence }, `Heartbeat ${event.heartbeat.sequence} of ${event.from}.`);
  if (event.type !== "completed") return;
  const completion: Completion = event.completion;
  const ms = Math.round(event.atMs - event.startedAtMs);
  const failure = completion.outcome.ok ? null : completion.outcome.failure;
  tell("debug", "request-finished", { request: event.key, ms, ...(failure === null ? {} : { err: failure }) }, `${event.key} ${failure === null ? "ok" : `failed (${failure.code})`} after ${ms} ms.`);
}

function summaryOf(state: State, config: CoreConfig, conditionCount: number): string {
  const members = [...config.peers, ...config.witnesses].map((id) => `${id} ${hearing(state.members[id], state.nowMs, config)}`);
  const asterisk = config.kind === "witness" ? [] : [`Asterisk ${state.health.serving}, ${state.health.calls} call(s)`, `the address on ${holderName(state.ownership.holder)}`, `${state.policy.claimsAtMs.length} claim(s) in the last hour`];
  return `${state.role} for ${inWords(state.nowMs - state.roleSinceMs)}; ${[...members, ...asterisk].join("; ")}; ${conditionCount} condition(s).`;
}
