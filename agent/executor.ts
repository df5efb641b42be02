/**
 * From the core's requests to the ports, one line each. It decides nothing: it calls, waits for the one answer, and
 * hands it back as a completion. The driver owns the deadline and cancels through the returned function.
 */
import { failureOf, type Execute } from "./driver.ts";
import { AgentError, type ErrorCode } from "./errors.ts";
import type { ProbeName } from "./core/health.ts";
import type { NodeId } from "./core/types.ts";
import type { Completion, ProbeValue, Request } from "./core/events.ts";
import type { AsteriskRole, Cloud, Ledger, MetricSink, MetricSpool, Prober, Store, Telephony } from "./ports.ts";
import { publishMinute } from "./adapters/metric-shipping.ts";

/** Where SIP is asked. */
export interface SipTarget {
  readonly host: string;
  readonly port: number;
}

/** The ports and addresses that requests need. A witness has no telephony and no metrics, and a cloud only where it starts a stopped standby. */
export interface World {
  readonly cloud: Cloud | null;
  readonly telephony: Telephony | null;
  readonly asteriskRole: AsteriskRole | null;
  /** Probes of what is reached inside the VPC and on this machine, and of what is reached from outside: the Elastic IP and the public references. */
  readonly probers: { readonly private: Prober; readonly public: Prober };
  readonly store: Store;
  readonly ledger: Ledger;
  /** The applications that are told of dropped calls. */
  readonly stasisApps: readonly string[];
  readonly metrics: { readonly sink: MetricSink; readonly spool: MetricSpool } | null;
  /** Our own Asterisk, and the peers' private addresses. */
  readonly ownSip: SipTarget;
  readonly peerSip: ReadonlyMap<NodeId, SipTarget>;
  readonly eipSipPort: number;
  readonly references: { readonly private: readonly string[]; readonly public: readonly string[] };
  /** For an error that no port should produce: a defect, told once, that must not stop a failover. */
  readonly onDefect: (error: unknown, request: Request["kind"]) => void;
}

/** Makes the function with which the driver carries out requests. */
export function portsExecutor(world: World): Execute {
  return (request, settle) => {
    const aborter = new AbortController();
    carryOut(request, world, aborter.signal).then(settle, (error: unknown) => {
      if (!(error instanceof AgentError)) world.onDefect(error, request.kind);
      const code: ErrorCode = error instanceof AgentError ? error.code : defectCode(request);
      settle(failureOf(request, { code, message: error instanceof Error ? error.message : String(error) }));
    });
    return { cancel: () => { aborter.abort(); } };
  };
}

/** An unforeseen error during a call that changes something leaves its outcome unknown, as a timeout does. */
function defectCode(request: Request): ErrorCode {
  return request.kind === "claim" || request.kind === "startInstance" ? "AGENT_CLOUD_TIMEOUT" : request.kind === "save" ? "AGENT_STATE_UNWRITABLE" : "AGENT_CLOUD_FAILED";
}

async function carryOut(request: Request, world: World, signal: AbortSignal): Promise<Completion> {
  const done = { ok: true, value: null } as const;
  switch (request.kind) {
    case "readAddress":
      return { kind: "readAddress", outcome: { ok: true, value: await cloudOf(world).readAddress(signal) } };
    case "readInstance":
      return { kind: "readInstance", node: request.node, outcome: { ok: true, value: await cloudOf(world).readInstance(request.node, signal) } };
    case "claim":
      await cloudOf(world).claim(request, signal);
      return { kind: "claim", outcome: done };
    case "dryRunClaim":
      await cloudOf(world).dryRunClaim(signal);
      return { kind: "dryRunClaim", outcome: done };
    case "dryRunStart":
      await cloudOf(world).dryRunStart(request.node, signal);
      return { kind: "dryRunStart", outcome: done };
    case "startInstance":
      await cloudOf(world).startInstance(request.node, signal);
      return { kind: "startInstance", node: request.node, reason: request.reason, outcome: done };
    case "dryRunMark":
      await cloudOf(world).dryRunMark(signal);
      return { kind: "dryRunMark", outcome: done };
    case "writeMark":
      await cloudOf(world).writeMark(request.mark, signal);
      return { kind: "writeMark", outcome: done };
    case "writeClaimTags":
      await cloudOf(world).writeClaimTags(request.tags, signal);
      return { kind: "writeClaimTags", outcome: done };
    case "probe":
      return { kind: "probe", probe: request.probe, outcome: { ok: true, value: await probe(request.probe, world, signal) } };
    case "watchSip":
      return { kind: "watchSip", outcome: { ok: true, value: await world.probers.private.sipOptions({ transport: "udp", ...peerSip(world, request.node) }, signal) } };
    case "watchEip":
      return { kind: "watchEip", outcome: { ok: true, value: await world.probers.public.sipOptions({ transport: "udp", host: request.publicIp, port: world.eipSipPort }, signal) } };
    case "reference":
      await world.probers[request.side].tcpConnect(world.references[request.side], signal);
      return { kind: "reference", side: request.side, outcome: done };
    case "save":
      await world.store.save(request.state);
      return { kind: "save", outcome: done };
    case "listCalls":
      return { kind: "listCalls", outcome: { ok: true, value: await telephonyOf(world).listCalls(signal) } };
    case "recordDropped":
      // The ledger first: an application that is not there yet must not cost us the record.
      await world.ledger.record(request.dropped);
      await telephonyOf(world).raiseDropped(request.dropped, world.stasisApps, signal);
      return { kind: "recordDropped", outcome: done };
    case "setMaintenance":
      await telephonyOf(world).setMaintenance(request.on, signal);
      return { kind: "setMaintenance", on: request.on, outcome: done };
    case "applyRole":
      await roleOf(world).apply(request.role, signal);
      return { kind: "applyRole", role: request.role, outcome: done };
    case "publishMetrics":
      return { kind: "publishMetrics", outcome: { ok: true, value: await publishMinute(request.minute, world.metrics, signal) } };
  }
}

async function probe(name: ProbeName, world: World, signal: AbortSignal): Promise<ProbeValue> {
  const telephony = telephonyOf(world);
  switch (name) {
    case "ari":
      await telephony.ping(signal);
      return {};
    case "sip":
      return world.probers.private.sipOptions({ transport: "udp", ...world.ownSip }, signal);
    case "sipTcp":
      return world.probers.private.sipOptions({ transport: "tcp", ...world.ownSip }, signal);
    case "canary":
      await telephony.canaryCall(signal);
      return {};
    case "queues":
      return { alerted: await telephony.alertedQueues(signal) };
    case "database":
      return { connected: await telephony.databaseConnected(signal) };
    case "counts":
      return telephony.callCounts(signal);
    case "contacts":
      return telephony.contactCounts(signal);
    case "version":
      return { version: (await telephony.describe(signal)).version };
    default:
      return { registered: await telephony.stasisAppRegistered(name.slice("stasis:".length), signal) };
  }
}

function telephonyOf(world: World): Telephony {
  if (world.telephony === null) throw new AgentError("AGENT_INVARIANT_BROKEN", "a witness has no Asterisk");
  return world.telephony;
}

function roleOf(world: World): AsteriskRole {
  if (world.asteriskRole === null) throw new AgentError("AGENT_INVARIANT_BROKEN", "a witness has no Asterisk");
  return world.asteriskRole;
}

function cloudOf(world: World): Cloud {
  if (world.cloud === null) throw new AgentError("AGENT_INVARIANT_BROKEN", "a witness without COLD_STANDBY has no cloud");
  return world.cloud;
}

function peerSip(world: World, node: NodeId): SipTarget {
  const target = world.peerSip.get(node);
  if (target === undefined) throw new AgentError("AGENT_INVARIANT_BROKEN", `no SIP address of ${node}`);
  return target;
}
