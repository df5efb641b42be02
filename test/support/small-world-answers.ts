/** How a small world answers what the core of a member asks for, by the switches of its machine. */
import type { Completion, RequestAction } from "../../agent/core/events.ts";
import type { CoreConfig } from "../../agent/core/settings.ts";
import type { AddressReading, Failure, Holder, InstanceState, Mark } from "../../agent/core/types.ts";
import { failureOf } from "../../agent/driver.ts";

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

/** A machine on which everything works. */
export function soundMachine(): Machine {
  return { agent: true, asterisk: true, alertedQueues: 0, privateSip: true, publicSip: true, privateNet: true, publicNet: true, ariEvents: true, cloud: null, dryRun: null, dryRunMark: null, start: null, dryRunStart: null, mark: null, claim: null, save: null, publish: null, role: null, database: true, dropped: 0, calls: 3 };
}

/** What the answers depend on, and change. */
export interface AskedWorld {
  holder: Holder;
  mark: Mark | null;
  readonly lastClaim: AddressReading["lastClaim"];
  readonly instance: InstanceState;
  readonly instances: ReadonlyMap<string, InstanceState>;
  readonly started: string[];
  readonly claimsMove: boolean;
  readonly cut: ReadonlySet<string>;
  machine(id: string): Machine;
  serves(id: string): boolean;
}

/** Who asks. */
export interface Asking {
  readonly config: CoreConfig;
  readonly machine: Machine;
}

/** How a request ends, so many ms after it was made. */
export interface Answer {
  readonly completion: Completion;
  readonly afterMs: number;
}

const TIMEOUT: Failure = { code: "AGENT_PROBE_TIMEOUT", message: "no answer within 400 ms" };
const REFUSED: Failure = { code: "AGENT_PROBE_REFUSED", message: "connection refused" };

/** Changes the world too, where the request does: EC2's address, its tags, what was started. */
export function completionOf(world: AskedWorld, member: Asking, action: RequestAction): Answer {
  const { request } = action;
  const { machine, config } = member;
  const fails = (failure: Failure, afterMs = 2): Answer => ({ completion: failureOf(request, failure), afterMs });
  const done = <T,>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });
  const answers = (completion: Completion): Answer => ({ completion, afterMs: 2 });
  const unless = (failure: Failure | null, completion: () => Completion): Answer => (failure === null ? answers(completion()) : fails(failure));
  switch (request.kind) {
    case "readAddress": {
      const reading: AddressReading = { holder: world.holder, publicIp: "203.0.113.10", mark: world.mark, lastClaim: world.lastClaim };
      return unless(machine.cloud, () => ({ kind: "readAddress", outcome: done(reading) }));
    }
    case "readInstance":
      return unless(machine.cloud, () => ({ kind: "readInstance", node: request.node, outcome: done(world.instances.get(request.node) ?? world.instance) }));
    case "claim":
      return unless(machine.claim ?? machine.cloud, () => {
        if (world.claimsMove) world.holder = { kind: "node", node: config.nodeId };
        return { kind: "claim", outcome: done(null) };
      });
    case "writeMark":
      return unless(machine.mark ?? machine.cloud, () => {
        world.mark = request.mark;
        return { kind: "writeMark", outcome: done(null) };
      });
    case "startInstance":
      return unless(machine.start ?? machine.cloud, () => {
        world.started.push(request.node);
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
      const open = world.serves(request.node) && machine.privateNet && world.machine(request.node).privateSip && !world.cut.has(`${config.nodeId}>${request.node}`);
      return open ? answers({ kind: "watchSip", outcome: done({ status: 200 }) }) : fails(TIMEOUT, action.deadlineMs);
    }
    case "watchEip": {
      const open = world.holder.kind === "node" && world.serves(world.holder.node) && machine.publicNet && world.machine(world.holder.node).publicSip;
      return open ? answers({ kind: "watchEip", outcome: done({ status: 200 }) }) : fails(TIMEOUT, action.deadlineMs);
    }
  }
}
