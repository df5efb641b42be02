/** How the simulated world answers what an agent asks for: its own Asterisk, the active's, the references, EC2, its disk. */
import { failureOf } from "../../agent/driver.ts";
import type { Completion, Request } from "../../agent/core/events.ts";
import type { ClaimCause, NodeId } from "../../agent/core/types.ts";
import { PUBLIC_IP, STRANGER_NAME, type CloudRequest, type SimCloud } from "./cloud.ts";
import type { SimMember } from "./member.ts";
import type { SimNetwork } from "./network.ts";
import type { Chance, VirtualTime } from "./virtual-time.ts";

/** A claim at the moment when it left its node. */
export interface ClaimSent {
  readonly node: NodeId;
  readonly atMs: number;
  readonly cause: ClaimCause;
  readonly allowReassociation: boolean;
  /** Who really held the address then: a node, STRANGER_NAME or nobody. */
  readonly holder: NodeId | null;
}

/** A start of a standby at the moment when it left its witness. */
export interface StartSent {
  readonly witness: NodeId;
  readonly node: NodeId;
  readonly atMs: number;
}

/** What an overloaded Asterisk drops of new SIP requests. */
const SHED_SHARE = 0.7;
/** What the answers depend on. */
export interface AnsweringWorld {
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly network: SimNetwork;
  readonly cloud: SimCloud;
  readonly members: ReadonlyMap<NodeId, SimMember>;
  /** What a firewall drops of what a member sends, as `from>sip`, `from>eip` or `from>heartbeats`. */
  readonly firewall: ReadonlySet<string>;
  /** Where packets to the Elastic IP go. */
  readonly packetsGoTo: NodeId | null;
  say(who: string, says: string): void;
  /** A claim leaves its node. */
  claimed(claim: ClaimSent): void;
  /** A start of a standby leaves its witness. */
  startSent(start: StartSent): void;
}

export class Answers {
  readonly #world: AnsweringWorld;

  constructor(world: AnsweringWorld) {
    this.#world = world;
  }

  /** Brings `settle` its one completion, or none where the world is silent: the driver has a deadline. */
  execute(member: SimMember, request: Request, settle: (completion: Completion) => void): void {
    const fail = (code: string, message: string, afterMs = 1): void => { this.#world.time.after(afterMs, () => { settle(failureOf(request, { code, message })); }); };
    const reply = (completion: Completion, afterMs: number): void => { this.#world.time.after(afterMs, () => { settle(completion); }); };
    switch (request.kind) {
      case "probe":
        this.#ownProbe(member, request, reply, fail);
        return;
      case "watchSip":
        if (!this.#world.firewall.has(`${member.id}>sip`)) this.#options(request, [member.id, request.node], request.node, reply, fail);
        return;
      case "watchEip":
        if (request.publicIp === PUBLIC_IP && this.#world.packetsGoTo !== null && this.#world.packetsGoTo !== STRANGER_NAME && !this.#world.firewall.has(`${member.id}>eip`)) this.#options(request, [member.id, "internet", this.#world.packetsGoTo], this.#world.packetsGoTo, reply, fail);
        return;
      case "reference": {
        const place = request.side === "private" ? "resolver" : "endpoint";
        if (this.#world.network.connected(member.id, place)) reply({ kind: "reference", side: request.side, outcome: { ok: true, value: null } }, 2);
        return;
      }
      case "save":
        if (member.save(request.state)) reply({ kind: "save", outcome: { ok: true, value: null } }, 5);
        else fail("AGENT_STATE_UNWRITABLE", "no space left");
        return;
      case "listCalls":
      case "setMaintenance":
      case "applyRole":
        this.#ask(member, request, reply, fail);
        return;
      case "recordDropped":
        member.ledger.push(request.dropped);
        if (request.dropped.calls.length > 0) this.#world.say(member.id, `names ${request.dropped.calls.length} calls that were dropped on ${request.dropped.from}`);
        reply({ kind: "recordDropped", outcome: { ok: true, value: null } }, 5);
        return;
      case "publishMetrics":
        reply({ kind: "publishMetrics", outcome: { ok: true, value: { dropped: 0, failure: null } } }, 50);
        return;
      case "readAddress":
      case "readInstance":
      case "claim":
      case "dryRunClaim":
      case "dryRunStart":
      case "startInstance":
      case "dryRunMark":
      case "writeMark":
      case "writeClaimTags":
        this.#cloudCall(member, request, settle);
    }
  }

  #cloudCall(member: SimMember, request: CloudRequest, settle: (completion: Completion) => void): void {
    if (request.kind === "claim") {
      this.#world.say(member.id, `sends AssociateAddress (AllowReassociation=${request.allowReassociation})`);
      this.#world.claimed({ node: member.id, atMs: this.#world.time.nowMs, cause: member.state?.claim?.cause ?? "quorum", allowReassociation: request.allowReassociation, holder: this.#world.cloud.holder() });
    }
    if (request.kind === "startInstance") {
      this.#world.say(member.id, `sends StartInstances (${request.node}): ${request.reason}`);
      this.#world.startSent({ witness: member.id, node: request.node, atMs: this.#world.time.nowMs });
    }
    if (this.#world.network.isCut(member.id, "ec2")) return;
    this.#world.cloud.execute(member.id, request, (completion) => { if (!this.#world.network.isCut("ec2", member.id)) settle(completion); });
  }

  /** What only an Asterisk that answers can do. */
  #ask(member: SimMember, request: Request & { kind: "listCalls" | "setMaintenance" | "applyRole" }, reply: (completion: Completion, afterMs: number) => void, fail: (code: string, message: string) => void): void {
    // The link is turned whether Asterisk runs or not.
    if (request.kind === "applyRole" && member.asterisk !== "hung") reply({ kind: "applyRole", role: request.role, outcome: { ok: true, value: null } }, 16);
    else if (member.asterisk === "crashed") fail("AGENT_PROBE_REFUSED", "connection refused");
    if (member.asterisk === "crashed" || member.asterisk === "hung" || request.kind === "applyRole") return;
    else if (request.kind === "setMaintenance") {
      member.maintenance = request.on;
      reply({ kind: "setMaintenance", on: request.on, outcome: { ok: true, value: null } }, 2);
    } else reply({ kind: "listCalls", outcome: { ok: true, value: member.calls } }, 10);
  }

  #ownProbe(member: SimMember, request: Request & { kind: "probe" }, reply: (completion: Completion, afterMs: number) => void, fail: (code: string, message: string) => void): void {
    const ok = (value: object, afterMs = 1): void => { reply({ kind: "probe", probe: request.probe, outcome: { ok: true, value } }, afterMs); };
    if (member.asterisk === "crashed") fail("AGENT_PROBE_REFUSED", "connection refused");
    else if (member.asterisk === "hung" || this.#isShed(member, request)) return;
    else if (request.probe === "sip" || request.probe === "sipTcp") ok({ status: member.maintenance ? 503 : 200 });
    else if (request.probe === "canary") { if (member.asterisk !== "cannot-call") ok({}, 12); }
    else if (request.probe === "queues") ok({ alerted: member.asterisk === "overloaded" ? 3 : 0 });
    else if (request.probe === "counts") ok({ calls: member.calls.length, channels: 2 * member.calls.length });
    else if (request.probe === "database") ok({ connected: true });
    else if (request.probe === "contacts") ok({ reachable: 10, unreachable: 0 });
    else if (request.probe === "version") ok({ version: "22.10.1" });
    else ok({ registered: true });
  }

  /** An overloaded Asterisk drops most new requests and makes few calls; its HTTP server lives in other threads. */
  #isShed(member: SimMember, request: Request): boolean {
    if (member.asterisk !== "overloaded" || (request.kind === "probe" && !["sip", "canary"].includes(request.probe))) return false;
    return this.#world.chance(`overload of ${member.id}`)() < SHED_SHARE;
  }

  #options(request: Request & { kind: "watchSip" | "watchEip" }, path: readonly string[], target: NodeId, reply: (completion: Completion, afterMs: number) => void, fail: (code: string, message: string, afterMs: number) => void): void {
    const member = this.#world.members.get(target);
    const there = this.#world.network.datagram(path);
    const back = this.#world.network.datagram(path.toReversed());
    if (there === null || back === null || member?.powered !== true || member.asterisk === "hung" || this.#isShed(member, request)) return;
    if (member.asterisk === "crashed") fail("AGENT_PROBE_REFUSED", "port unreachable", there + back);
    else reply({ kind: request.kind, outcome: { ok: true, value: { status: 200 } } }, there + back);
  }
}
