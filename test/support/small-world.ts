/**
 * A small cluster for tests of what is shown and logged: production cores, stepped on a clock that the test turns, in
 * a world with a few switches. Every state and heartbeat in it was made by the production code. It knows no loss and no
 * chance: for those there is the simulator.
 */
import { decodeFrame, encodeFrame } from "../../agent/core/heartbeat.ts";
import { brokenInvariant } from "../../agent/core/invariants.ts";
import { initialState, step, type Step } from "../../agent/core/step.ts";
import { stasisProbesOf, type CoreConfig } from "../../agent/core/settings.ts";
import type { OperatorCommand } from "../../agent/core/operator-command.ts";
import type { AddressReading, Failure, Holder, InstanceState, Mark } from "../../agent/core/types.ts";
import type { Action, Event, Request, RequestAction } from "../../agent/core/events.ts";
import type { State } from "../../agent/core/state.ts";
import { completionOf, soundMachine, type Machine } from "./small-world-answers.ts";

/** 2026-11-20T12:00:00.000Z, when every small world begins. */
const WORLD_BEGINS_WALL_MS = Date.UTC(2026, 10, 20, 12);
/** Monotonic clocks start anywhere. */
const FIRST_MS = 5_000;

/** The defaults of the knob table for one member of a cluster. */
export function coreConfig(nodeId: string, overrides: Partial<CoreConfig> = {}): CoreConfig {
  const nodes = ["node-a", "node-b"];
  return {
    kind: nodes.includes(nodeId) ? "node" : "witness", clusterId: "test", nodeId, peers: nodes.filter((node) => node !== nodeId), witnesses: [], stasisApps: ["ivr"], stasisProbes: stasisProbesOf(["ivr"]), sipTcp: false, database: false, coldStandby: false, software: "0.1.0", configDigest: "d1",
    tickIntervalMs: 50, selfDoubtAfterMs: 500, heartbeatIntervalMs: 250, peerLateAfterMs: 600, peerLostAfterMs: 1500, coldLostAfterMs: 60_000, witnessAbsentAfterMs: 30_000,
    probeIntervalMs: 1000, probeTimeoutMs: 400, suspectProbeIntervalMs: 200, probeDownAfter: 3, probeUpAfter: 3, stasisIntervalMs: 2000, stasisDownAfterMs: 10_000, canaryIntervalMs: 10_000, canaryTimeoutMs: 2000, canaryDownAfter: 2, queuesIntervalMs: 10_000, countsIntervalMs: 5000, contactsIntervalMs: 60_000, rosterIntervalMs: 2000,
    ownerReadIntervalMs: 60_000, ownerConfirmIntervalMs: 250, suspectReadIntervalMs: 1000, readBackoffMaxMs: 4000, cloudTimeoutMs: 2000, claimTimeoutMs: 3000, claimConfirmWithinMs: 10_000, claimRetryMinMs: 300, claimRetryMaxMs: 5000, dryRunIntervalMs: 600_000, egressGraceMs: 5000,
    markIntervalMs: 1000, markSlowIntervalMs: 5000, markFastForMs: 60_000, markVisibleAfterMs: 900, yieldAfterMs: 150, holdDownMs: 30_000, claimsPerHour: 6, rankStaggerMs: 1000, vacantGraceMs: 3000, coldStartWaitMs: 300_000, metricsIntervalMs: 60_000,
    ...overrides,
  };
}

interface Member {
  readonly config: CoreConfig;
  state: State;
  readonly machine: Machine;
  readonly observers: Observe[];
}

/** A request of a kind, and the instant at which it was made. */
export type RequestMade<K extends Request["kind"]> = Extract<Request, { kind: K }> & { readonly atMs: number };

type Observe = (before: State, event: Event, result: Step) => void;

/** More than so many answers and heartbeats between two ticks are a circle of questions. */
const DELIVERED_AT_MOST = 1_000;

/** The world. Change its fields and its machines' switches, then let time pass with `run`. */
export class SmallWorld {
  holder: Holder = { kind: "node", node: "node-a" };
  instance: InstanceState = "running";
  /** Where nodes differ in it. */
  readonly instances = new Map<string, InstanceState>();
  /** What witnesses have started. */
  readonly started: string[] = [];
  /** The alive mark on the address. */
  mark: Mark | null = null;
  /** What the address's tags say of the last claim. */
  lastClaim: AddressReading["lastClaim"] = null;
  /** Frames and private SIP from one member to another are dropped: entries are `from>to`. */
  readonly cut = new Set<string>();
  /** Everybody is stopped for that long before the next tick, once. */
  stallMs = 0;
  /** How late every tick comes, as the driver would measure it. */
  lagMs = 0;
  /** EC2 carries out the claims that it accepts. */
  claimsMove = true;
  /** Between ticks; coarser is cheaper where hours have to pass. */
  tickMs = 50;
  /** How far the wall clock was set, ms. */
  wallAheadMs = 0;
  nowMs = FIRST_MS;
  readonly #members = new Map<string, Member>();
  readonly #pending: { readonly atMs: number; readonly run: () => void }[] = [];

  constructor(configs: readonly CoreConfig[] = [coreConfig("node-a"), coreConfig("node-b")]) {
    for (const [index, config] of configs.entries()) {
      const incarnation = (index + 1).toString(16).padStart(16, "0");
      this.#members.set(config.nodeId, { config, machine: soundMachine(), observers: [], state: initialState({ atMs: FIRST_MS, wallMs: WORLD_BEGINS_WALL_MS, incarnation, policy: null }, config) });
    }
  }

  get wallMs(): number {
    return WORLD_BEGINS_WALL_MS + this.nowMs - FIRST_MS + this.wallAheadMs;
  }

  machine(id: string): Machine {
    return this.#member(id).machine;
  }

  /** That member's machine is dead: neither agent nor Asterisk. */
  kill(id: string): void {
    Object.assign(this.machine(id), { agent: false, asterisk: false });
  }

  state(id: string): State {
    return this.#member(id).state;
  }

  config(id: string): CoreConfig {
    return this.#member(id).config;
  }

  /** Sees every step of that member, as the driver's `observe` does. */
  observe(id: string, observe: Observe): void {
    this.#member(id).observers.push(observe);
  }

  /** Every request (of that kind) that this member makes from now on, with its instant. The list grows while time passes. */
  requests<K extends Request["kind"] = Request["kind"]>(id: string, kind?: K): RequestMade<K>[] {
    const made: RequestMade<K>[] = [];
    const isWanted = (request: Request): request is Extract<Request, { kind: K }> => kind === undefined || request.kind === kind;
    this.observe(id, (_before, _event, { actions }) => {
      for (const action of actions) if (action.type === "request" && isWanted(action.request)) made.push({ ...action.request, atMs: this.nowMs });
    });
    return made;
  }

  command(id: string, command: OperatorCommand): void {
    this.#step(this.#member(id), { type: "operatorCommanded", atMs: this.nowMs, wallMs: this.wallMs, command });
  }

  ariSocket(id: string, open: boolean): void {
    this.#step(this.#member(id), { type: "ariSocketChanged", atMs: this.nowMs, open });
  }

  secretTried(id: string, failure: Failure | null): void {
    this.#step(this.#member(id), { type: "secretTried", atMs: this.nowMs, failure });
  }

  /** A new agent in place of that member's old one. */
  restart(id: string): void {
    const member = this.#member(id);
    member.machine.agent = true;
    const incarnation = (BigInt(`0x${member.state.incarnation}`) + 0x100n).toString(16).padStart(16, "0");
    member.state = initialState({ atMs: this.nowMs, wallMs: this.wallMs, incarnation, policy: null }, member.config);
  }

  /** Lets time pass, a tick at a time. */
  run(ms: number): void {
    const untilMs = this.nowMs + ms;
    while (this.nowMs < untilMs) {
      const tickMs = Math.min(untilMs, this.nowMs + this.tickMs + this.stallMs);
      const lagMs = this.lagMs + this.stallMs;
      // What arrives while a process is stopped is handled when it goes on.
      if (this.stallMs > 0) this.nowMs = tickMs;
      this.stallMs = 0;
      this.#deliverUntil(tickMs);
      for (const member of this.#members.values()) this.#tick(member, lagMs);
    }
  }

  #tick(member: Member, lagMs: number): void {
    if (!member.machine.agent) return;
    this.#step(member, { type: "ticked", atMs: this.nowMs, wallMs: this.wallMs, lagMs, memoryMib: 60 });
    const open = member.machine.asterisk && member.machine.ariEvents && member.config.kind === "node";
    if (member.state.health.ariSocketOpen !== open && member.state.role !== "starting") this.#step(member, { type: "ariSocketChanged", atMs: this.nowMs, open });
  }

  #deliverUntil(untilMs: number): void {
    for (let delivered = 0; ; delivered += 1) {
      if (delivered === DELIVERED_AT_MOST) throw new Error(`the members do not come to rest: ${delivered} answers and heartbeats between two ticks`);
      const at = this.#pending.findIndex((entry) => entry.atMs <= untilMs && this.#pending.every((other) => other.atMs >= entry.atMs));
      const [entry] = at < 0 ? [] : this.#pending.splice(at, 1);
      if (entry === undefined) break;
      this.nowMs = Math.max(this.nowMs, entry.atMs);
      entry.run();
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  #member(id: string): Member {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`no member ${id}`);
    return member;
  }

  #step(member: Member, event: Event): void {
    if (!member.machine.agent) return;
    const before = member.state;
    const result = step(before, event, member.config);
    const broken = brokenInvariant(before, result, member.config);
    if (broken !== null) throw new Error(`${member.config.nodeId}: ${broken}`);
    member.state = result.state;
    for (const observe of member.observers) observe(before, event, result);
    for (const action of result.actions) this.#act(member, action);
  }

  #act(member: Member, action: Action): void {
    if (action.type === "request") this.#answer(member, action);
    if (action.type !== "sendHeartbeat" || this.cut.has(`${member.config.nodeId}>${action.to}`)) return;
    const to = this.#members.get(action.to);
    const text = encodeFrame(action.heartbeat);
    if (to === undefined) return;
    this.#pending.push({
      atMs: this.nowMs + 1,
      run: () => {
        const decoded = decodeFrame(text, to.config.clusterId, member.config.nodeId);
        if (!decoded.ok || decoded.frame.kind !== "heartbeat") throw new Error("a heartbeat did not survive its codec");
        this.#step(to, { type: "heartbeatReceived", atMs: this.nowMs, from: member.config.nodeId, heartbeat: decoded.frame });
      },
    });
  }

  #answer(member: Member, action: RequestAction): void {
    const startedAtMs = this.nowMs;
    const { completion, afterMs } = completionOf(this, member, action);
    this.#pending.push({ atMs: startedAtMs + afterMs, run: () => { this.#step(member, { type: "completed", atMs: this.nowMs, id: action.id, key: action.key, startedAtMs, random: 0.5, completion }); } });
  }

  /** That member's Asterisk takes calls; an unknown one has none. */
  serves(id: string): boolean {
    return this.#members.get(id)?.machine.asterisk === true;
  }
}

/** A pair that has settled: node-a active, node-b standby, nothing wrong. */
export function settledPair(configs?: readonly CoreConfig[]): SmallWorld {
  const world = new SmallWorld(configs);
  world.run(20_000);
  return world;
}
