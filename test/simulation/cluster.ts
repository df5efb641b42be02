/**
 * A simulated cluster: members on a simulated network, EC2, and callers on the Internet. Everything is drawn from one
 * seed, and the same seed gives the same run. Faults are verbs on this class; what must hold is in promises.ts.
 */
import type { CoreConfig } from "../../agent/core/settings.ts";
import { switchoverSays } from "../../agent/core/switchover.ts";
import type { NodeId } from "../../agent/core/types.ts";
import type { Event } from "../../agent/core/events.ts";
import type { State } from "../../agent/core/state.ts";
import type { Step } from "../../agent/core/step.ts";
import { instanceOf, SimCloud, STRANGER_NAME } from "./cloud.ts";
import type { RequestBuckets } from "../support/aws/ec2-limits.ts";
import type { InstanceStateName } from "../support/aws/ec2-shapes.ts";
import { SimMember } from "./member.ts";
import { SimNetwork } from "./network.ts";
import { simConfig } from "./settings.ts";
import { SimAccount, type Line } from "./account.ts";
import { Answers, type ClaimSent, type StartSent } from "./answers.ts";
import { seededChance, type Chance, type VirtualTime } from "./virtual-time.ts";

export interface ClusterSpec {
  readonly seed: number;
  readonly nodes: number;
  readonly witnesses: number;
  readonly holder: NodeId | null;
  /** Pairs beside it in the same account. */
  readonly neighbours?: number;
  /** Knobs that differ from their defaults, by their environment names. */
  readonly knobs?: Readonly<Record<string, string>>;
  /** For several clusters in one account: they share its time and its request limits. */
  readonly account?: { readonly time: VirtualTime; readonly buckets: RequestBuckets };
}

const EPOCH_MS = Date.UTC(2026, 0, 1);
/** Until packets follow a move of the address (ms); AWS publishes no figure. */
const DATA_PLANE_MS = 1_000;
/** EC2's status checks notice a dead instance after a few minutes (ms). */
const STATUS_CHECKS_MS = 150_000;
/** From a start to a machine whose services are being started (ms). */
export const BOOT_MS = 25_000;
/** From the order to stop, which ends the services at once, to an instance that EC2 calls stopped (ms). */
const STOP_MS = 12_000;
/** So often somebody else's calls take what the buckets have gained; some tokens slip through (ms). */
const DRAIN_EVERY_MS = 150;
/** Agents that are started together come up within this time of each other (ms). */
const START_SPREAD_MS = 250;

export class SimCluster {
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly network: SimNetwork;
  readonly cloud: SimCloud;
  readonly members = new Map<NodeId, SimMember>();
  readonly nodes: readonly NodeId[];
  readonly lines: Line[];
  /** Other clusters in the same account, which share EC2's request limits. */
  readonly neighbours: readonly SimCluster[];
  readonly account: SimAccount;
  /** Set before names in the transcript; empty but for a neighbour. */
  readonly #label: string;
  /** Defects that the agents themselves reported. */
  readonly brokenInvariants: string[];
  readonly #observers: ((member: NodeId, before: State, event: Event, result: Step) => void)[] = [];
  readonly #answers: Answers;
  readonly #claimListeners: ((claim: ClaimSent) => void)[] = [];
  readonly #startListeners: ((start: StartSent) => void)[] = [];
  /** The standby may be kept stopped: the witnesses start it when the active is lost. */
  readonly coldStandby: boolean;
  /** What EC2 has begun to do with an instance; whatever else happens to that ends it. */
  readonly #turning = new Map<NodeId, () => void>();
  /** Where packets to the Elastic IP go: follows EC2 with a delay. */
  packetsGoTo: NodeId | null;
  readonly firstHolder: NodeId | null;
  /** What a firewall drops of what a member sends, as `from>sip`, `from>eip` or `from>heartbeats`. */
  readonly firewall = new Set<string>();
  /** World time until which EC2 did not behave; Infinity while it does not. */
  cloudTroubleUntilMs = -Infinity;
  /** Orders that operators have given so far. */
  orders = 0;
  /** Every change of the address's place, by EC2's own word. */
  readonly moves: { readonly atMs: number; readonly to: NodeId | null }[] = [];

  constructor(spec: ClusterSpec, account = new SimAccount(spec.account), label = "") {
    this.account = account;
    this.time = account.time;
    this.lines = account.lines;
    this.brokenInvariants = account.broken;
    this.#label = label;
    this.chance = seededChance(spec.seed, this.time);
    this.network = new SimNetwork(this.time, this.chance);
    this.nodes = ["node-a", "node-b", "node-c", "node-d"].slice(0, spec.nodes);
    const witnesses = ["witness-1", "witness-2", "witness-3"].slice(0, spec.witnesses);
    this.cloud = new SimCloud(this.time, this.chance, this.nodes, spec.holder, account.buckets);
    this.#answers = new Answers(this);
    this.packetsGoTo = spec.holder;
    this.firstHolder = spec.holder;
    this.coldStandby = spec.knobs?.["COLD_STANDBY"] === "true";
    this.cloud.model.onAddressMoved(() => {
      const to = this.cloud.holder();
      this.moves.push({ atMs: this.time.nowMs, to });
      this.say("EC2", `the address is on ${to === STRANGER_NAME ? "a stranger" : (to ?? "nobody")}`);
      this.time.after(DATA_PLANE_MS, () => { this.packetsGoTo = this.cloud.holder(); });
    });
    this.cloud.model.onInstanceStarted((instanceId) => {
      const node = this.nodes.find((id) => instanceOf(id) === instanceId);
      if (node !== undefined) this.#turn(node, BOOT_MS, () => { this.powerOn(node); });
    });
    const common = { nodes: this.nodes, witnesses, knobs: spec.knobs ?? {} };
    for (const id of this.nodes) this.#add(simConfig({ kind: "node", nodeId: id, ...common }));
    for (const id of witnesses) this.#add(simConfig({ kind: "witness", nodeId: id, ...common }));
    this.neighbours = Array.from({ length: spec.neighbours ?? 0 }, (_, index) => new SimCluster({ seed: spec.seed + 1_000_003 * (index + 1), nodes: 2, witnesses: 0, holder: "node-a" }, account, `${index + 1}/`));
  }

  #add(config: CoreConfig): void {
    this.members.set(config.nodeId, new SimMember(config, {
      time: this.time,
      chance: this.chance,
      wallMs: (member) => Math.round(EPOCH_MS + this.time.nowMs + this.member(member).wallErrorMs),
      send: (from, to, frame) => { if (!this.firewall.has(`${from}>heartbeats`)) this.network.frame(from, to, () => this.member(to).receive(from, frame)); },
      execute: (member, request, settle) => { this.#answers.execute(member, request, settle); },
      observe: (member, before, event, result) => {
        if (result.reason !== null) this.say(member, `${before.role} -> ${result.state.role}: ${result.reason}`);
        this.#tellOrders(member, before, result.state);
        for (const observer of this.#observers) observer(member, before, event, result);
      },
      broken: (member, message) => {
        this.brokenInvariants.push(`${member}: ${message}`);
        this.say(member, `BROKEN: ${message}`);
      },
    }));
  }

  member(id: NodeId): SimMember {
    const member = this.members.get(id);
    if (member === undefined) throw new Error(`no member ${id} in this cluster`);
    return member;
  }

  /** Every member that is not a witness. */
  get nodeMembers(): readonly SimMember[] {
    return this.nodes.map((id) => this.member(id));
  }

  onStep(observer: (member: NodeId, before: State, event: Event, result: Step) => void): void {
    this.#observers.push(observer);
  }

  say(who: string, says: string): void {
    this.lines.push({ atMs: this.time.nowMs, who: this.#label + who, says });
  }

  /** Called when a claim leaves its node. */
  onClaim(listener: (claim: ClaimSent) => void): void {
    this.#claimListeners.push(listener);
  }

  claimed(claim: ClaimSent): void {
    for (const listener of this.#claimListeners) listener(claim);
  }

  /** Called when a start of a standby leaves its witness. */
  onStart(listener: (start: StartSent) => void): void {
    this.#startListeners.push(listener);
  }

  startSent(start: StartSent): void {
    for (const listener of this.#startListeners) listener(start);
  }

  /** Starts all agents, nearly at once. */
  startAll(): void {
    for (const neighbour of this.neighbours) neighbour.startAll();
    for (const member of this.members.values()) this.time.after(START_SPREAD_MS * this.chance("start")(), () => { member.startAgent(); });
  }

  run(ms: number): void {
    this.time.runUntil(this.time.nowMs + ms);
  }

  /** Somebody else in the account uses up EC2's request limits for so long. */
  exhaustAccount(forMs: number): void {
    const untilMs = this.time.nowMs + forMs;
    for (const cluster of [this, ...this.neighbours]) cluster.cloudTroubleUntilMs = Math.max(cluster.cloudTroubleUntilMs, untilMs);
    const drain = (): void => {
      for (const action of ["DescribeAddresses", "DescribeInstanceStatus", "AssociateAddress", "CreateTags", "StartInstances"]) this.account.buckets.drain(action, this.time.nowMs);
      if (this.time.nowMs < untilMs) this.time.after(DRAIN_EVERY_MS, drain);
    };
    drain();
  }

  /** The machine goes; EC2's status checks notice it in their own time. */
  powerOff(id: NodeId): void {
    const member = this.member(id);
    member.powerOff();
    if (this.nodes.includes(id)) this.time.after(STATUS_CHECKS_MS, () => { if (!member.powered) this.cloud.model.setInstance(instanceOf(id), { impaired: true }); });
  }

  powerOn(id: NodeId): void {
    this.#turn(id, 0, null);
    if (this.nodes.includes(id)) this.cloud.model.setInstance(instanceOf(id), { impaired: false, state: "running" });
    this.member(id).powerOn();
  }

  /** How EC2 would describe the node's instance now. */
  instance(id: NodeId): InstanceStateName | "impaired" {
    return this.cloud.model.stateOf(instanceOf(id));
  }

  /** An operator starts a stopped instance in the console. */
  startInstance(id: NodeId): void {
    if (this.instance(id) !== "stopped") return;
    this.cloud.model.setInstance(instanceOf(id), { state: "pending" });
    this.#turn(id, BOOT_MS, () => { this.powerOn(id); });
  }

  /** An operator stops an instance in the console: its machine goes at once, the instance is stopped a little later. */
  stopInstance(id: NodeId): void {
    this.setInstance(id, "stopping");
    this.#turn(id, STOP_MS, () => { this.setInstance(id, "stopped"); });
  }

  /** An instance is in that state from now on; one that stops takes its machine with it. */
  setInstance(id: NodeId, state: InstanceStateName): void {
    this.#turn(id, 0, null);
    this.cloud.model.setInstance(instanceOf(id), state === "running" ? { impaired: false, state } : { state });
    if (state !== "running") this.member(id).powerOff();
  }

  #turn(id: NodeId, afterMs: number, then: (() => void) | null): void {
    this.#turning.get(id)?.();
    this.#turning.delete(id);
    if (then !== null) this.#turning.set(id, this.time.after(afterMs, then));
  }

  /** Cuts both directions between two places. */
  cut(a: string, b: string): void {
    this.network.cut(a, b);
    this.network.cut(b, a);
  }

  heal(a: string, b: string): void {
    this.network.heal(a, b);
    this.network.heal(b, a);
  }

  /** Cuts a member off from every other place, except those named. */
  isolate(id: NodeId, except: readonly string[] = []): void {
    for (const place of [...this.members.keys(), "internet", "resolver", "endpoint", "ec2"]) if (place !== id && !except.includes(place)) this.cut(id, place);
  }

  /** Would a caller on the Internet be served now by that node, if packets went there? */
  canServeCallers(id: NodeId): boolean {
    const member = this.members.get(id);
    return member?.powered === true && member.asterisk === "up" && this.network.connected(id, "internet");
  }

  /** An operator's order that has come a step further. */
  #tellOrders(member: NodeId, before: State, state: State): void {
    const { switchover, takeover } = state;
    if (switchover !== null && (switchover.id !== before.switchover?.id || switchover.phase !== before.switchover.phase)) this.say(member, `switchover ${switchover.phase}: ${switchoverSays(state)}`);
    if (takeover !== null && takeover.phase !== "claiming" && (takeover.id !== before.takeover?.id || takeover.phase !== before.takeover.phase)) this.say(member, `takeover ${takeover.phase}: ${takeover.ending}`);
  }

  /** Members that believe they are active. */
  believers(): readonly NodeId[] {
    return this.nodeMembers.filter((member) => member.state?.role === "active").map((member) => member.id);
  }
}
