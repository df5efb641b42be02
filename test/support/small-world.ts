/**
 * A small cluster for tests of what is shown and logged: production cores, stepped on a clock that the test turns, in
 * a world with a few switches. Every state and heartbeat in it was made by the production code. It knows no loss and no
 * chance: for those there is the simulator.
 */
import { decodeFrame, encodeFrame } from "../../agent/core/heartbeat.ts";
import { brokenInvariant } from "../../agent/core/invariants.ts";
import { initialState, step, type Step } from "../../agent/core/step.ts";
import type { CoreConfig } from "../../agent/core/settings.ts";
import type { OperatorCommand } from "../../agent/core/operator-command.ts";
import type { AddressReading, Failure, Holder, InstanceState, Mark } from "../../agent/core/types.ts";
import type { Action, Completion, Event, RequestAction } from "../../agent/core/events.ts";
import type { State } from "../../agent/core/state.ts";
import { failureOf } from "../../agent/driver.ts";

/** 2026-11-20T12:00:00.000Z, when every small world begins. */
export const WORLD_BEGINS_WALL_MS = Date.UTC(2026, 10, 20, 12);
/** Monotonic clocks start anywhere. */
const FIRST_MS = 5_000;

/** The defaults of the knob table for one member of a cluster. */
export function coreConfig(nodeId: string, overrides: Partial<CoreConfig> = {}): CoreConfig {
  const nodes = ["node-a", "node-b"];
  return {
    kind: nodes.includes(nodeId) ? "node" : "witness", clusterId: "test", nodeId, peers: nodes.filter((node) => node !== nodeId), witnesses: [], stasisApps: ["ivr"], sipTcp: false, database: false, coldStandby: false, software: "0.1.0", configDigest: "d1",
    tickIntervalMs: 50, selfDoubtAfterMs: 500, heartbeatIntervalMs: 250, peerLateAfterMs: 600, peerLostAfterMs: 1500, coldLostAfterMs: 60_000, witnessAbsentAfterMs: 30_000,
    probeIntervalMs: 1000, probeTimeoutMs: 400, suspectProbeIntervalMs: 200, probeDownAfter: 3, probeUpAfter: 3, stasisIntervalMs: 2000, stasisDownAfterMs: 10_000, canaryIntervalMs: 10_000, canaryTimeoutMs: 2000, canaryDownAfter: 2, queuesIntervalMs: 10_000, countsIntervalMs: 5000, contactsIntervalMs: 60_000, rosterIntervalMs: 2000,
    ownerReadIntervalMs: 60_000, ownerConfirmIntervalMs: 250, suspectReadIntervalMs: 1000, readBackoffMaxMs: 4000, cloudTimeoutMs: 2000, claimTimeoutMs: 3000, claimConfirmWithinMs: 10_000, claimRetryMinMs: 300, claimRetryMaxMs: 5000, dryRunIntervalMs: 600_000, egressGraceMs: 5000,
    markIntervalMs: 1000, markSlowIntervalMs: 5000, markFastForMs: 60_000, markVisibleAfterMs: 900, yieldAfterMs: 150, holdDownMs: 30_000, claimsPerHour: 6, rankStaggerMs: 1000, vacantGraceMs: 3000, coldStartWaitMs: 300_000, metricsIntervalMs: 60_000,
    ...overrides,
  };
}

/** The switches of one member's machine. */
export interface Machine {
  /** The agent's process runs. */
  agent: boolean;
  /** Asterisk takes calls. */
  asterisk: boolean;
  alertedQueues: number;
  /** Its security group lets SIP in on the private address and on the Elastic IP. */
  privateSip: boolean;
  publicSip: boolean;
  /** Its own way out works, on either side. */
  privateNet: boolean;
  publicNet: boolean;
  /** Asterisk lets the agent's event socket in. */
  ariEvents: boolean;
  /** EC2's answer to this node's reads and writes, or null when it works. */
  cloud: Failure | null;
  dryRun: Failure | null;
  dryRunMark: Failure | null;
  mark: Failure | null;
  claim: Failure | null;
  /** EC2's answer to a start of a stopped standby, and to its dry run. */
  start: Failure | null;
  dryRunStart: Failure | null;
  save: Failure | null;
  publish: Failure | null;
  /** Asterisk's queries succeed. */
  database: boolean;
  /** Asterisk's answer when it is told its role. */
  role: Failure | null;
  dropped: number;
  calls: number;
}

interface Member {
  readonly config: CoreConfig;
  state: State;
  readonly machine: Machine;
  readonly observers: Observe[];
}

type Observe = (before: State, event: Event, result: Step) => void;

const OK: Failure | null = null;
const TIMEOUT: Failure = { code: "AGENT_PROBE_TIMEOUT", message: "no answer within 400 ms" };
const REFUSED: Failure = { code: "AGENT_PROBE_REFUSED", message: "connection refused" };

/** The world. Change its fields and its machines' switches, then let time pass with `run`. */
export class SmallWorld {
  holder: Holder = { kind: "node", node: "node-a" };
  instance: InstanceState = "running";
  /** Where nodes differ in it. */
  readonly instances = new Map<string, InstanceState>();
  /** What witnesses have started. */
  readonly started: string[] = [];
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
  #mark: Mark | null = null;

  constructor(configs: readonly CoreConfig[] = [coreConfig("node-a"), coreConfig("node-b")]) {
    for (const [index, config] of configs.entries()) {
      const incarnation = (index + 1).toString(16).padStart(16, "0");
      const machine: Machine = { agent: true, asterisk: true, alertedQueues: 0, privateSip: true, publicSip: true, privateNet: true, publicNet: true, ariEvents: true, cloud: OK, dryRun: OK, dryRunMark: OK, start: OK, dryRunStart: OK, mark: OK, claim: OK, save: OK, publish: OK, role: OK, database: true, dropped: 0, calls: 3 };
      this.#members.set(config.nodeId, { config, machine, observers: [], state: initialState({ atMs: FIRST_MS, wallMs: WORLD_BEGINS_WALL_MS, incarnation, policy: null }, config) });
    }
  }

  get wallMs(): number {
    return WORLD_BEGINS_WALL_MS + this.nowMs - FIRST_MS + this.wallAheadMs;
  }

  machine(id: string): Machine {
    return this.#member(id).machine;
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
    for (;;) {
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
    const { completion, afterMs } = this.#completion(member, action);
    this.#pending.push({ atMs: startedAtMs + afterMs, run: () => { this.#step(member, { type: "completed", atMs: this.nowMs, id: action.id, key: action.key, startedAtMs, random: 0.5, completion }); } });
  }

  #completion(member: Member, action: RequestAction): { readonly completion: Completion; readonly afterMs: number } {
    const { request } = action;
    const { machine, config } = member;
    const fails = (failure: Failure, afterMs = 2): { readonly completion: Completion; readonly afterMs: number } => ({ completion: failureOf(request, failure), afterMs });
    const done = <T,>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });
    const answers = (completion: Completion): { readonly completion: Completion; readonly afterMs: number } => ({ completion, afterMs: 2 });
    const unless = (failure: Failure | null, completion: () => Completion): { readonly completion: Completion; readonly afterMs: number } => (failure === null ? answers(completion()) : fails(failure));
    switch (request.kind) {
      case "readAddress": {
        const reading: AddressReading = { holder: this.holder, publicIp: "203.0.113.10", mark: this.#mark, lastClaim: this.lastClaim };
        return unless(machine.cloud, () => ({ kind: "readAddress", outcome: done(reading) }));
      }
      case "readInstance":
        return unless(machine.cloud, () => ({ kind: "readInstance", node: request.node, outcome: done(this.instances.get(request.node) ?? this.instance) }));
      case "claim":
        return unless(machine.claim ?? machine.cloud, () => {
          if (this.claimsMove) this.holder = { kind: "node", node: config.nodeId };
          return { kind: "claim", outcome: done(null) };
        });
      case "writeMark":
        return unless(machine.mark ?? machine.cloud, () => {
          this.#mark = request.mark;
          return { kind: "writeMark", outcome: done(null) };
        });
      case "startInstance":
        return unless(machine.start ?? machine.cloud, () => {
          this.started.push(request.node);
          return { kind: "startInstance", node: request.node, reason: request.reason, outcome: done(null) };
        });
      case "dryRunStart":
        return unless(machine.dryRunStart ?? machine.cloud, () => ({ kind: "dryRunStart", outcome: done(null) }));
      case "dryRunClaim":
      case "dryRunMark":
        return unless((request.kind === "dryRunClaim" ? machine.dryRun : machine.dryRunMark) ?? machine.cloud, () => ({ kind: request.kind, outcome: done(null) }));
      case "writeClaimTags":
        return unless(machine.cloud, () => ({ kind: "writeClaimTags", outcome: done(null) }));
      case "listCalls":
        return answers({ kind: "listCalls", outcome: done([]) });
      case "setMaintenance":
        return answers({ kind: "setMaintenance", on: request.on, outcome: done(null) });
      case "applyRole":
        return unless(machine.role, () => ({ kind: "applyRole", role: request.role, outcome: done(null) }));
      case "recordDropped":
        return answers({ kind: "recordDropped", outcome: done(null) });
      case "save":
        return unless(machine.save, () => ({ kind: "save", outcome: done(null) }));
      case "publishMetrics":
        return answers({ kind: "publishMetrics", outcome: done({ dropped: machine.dropped, failure: machine.publish }) });
      case "reference":
        return (request.side === "private" ? machine.privateNet : machine.publicNet) ? answers({ kind: "reference", side: request.side, outcome: done(null) }) : fails(TIMEOUT, action.deadlineMs);
      case "probe":
        return machine.asterisk
          ? answers({ kind: "probe", probe: request.probe, outcome: done({ status: 200, registered: true, connected: machine.database, alerted: machine.alertedQueues, calls: machine.calls, channels: 2 * machine.calls, version: "22.10.0" }) })
          : fails(REFUSED);
      case "watchSip": {
        const open = this.#serves(request.node) && machine.privateNet && this.#member(request.node).machine.privateSip && !this.cut.has(`${config.nodeId}>${request.node}`);
        return open ? answers({ kind: "watchSip", outcome: done({ status: 200 }) }) : fails(TIMEOUT, action.deadlineMs);
      }
      case "watchEip": {
        const open = this.holder.kind === "node" && this.#serves(this.holder.node) && machine.publicNet && this.#member(this.holder.node).machine.publicSip;
        return open ? answers({ kind: "watchEip", outcome: done({ status: 200 }) }) : fails(TIMEOUT, action.deadlineMs);
      }
    }
  }

  #serves(id: string): boolean {
    return this.#members.get(id)?.machine.asterisk === true;
  }
}

/** A pair that has settled: node-a active, node-b standby, nothing wrong. */
export function settledPair(configs?: readonly CoreConfig[]): SmallWorld {
  const world = new SmallWorld(configs);
  world.run(20_000);
  return world;
}
