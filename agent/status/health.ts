/**
 * /health: is this node doing its job? 200 or 503, with the reason. The job differs: an active serves callers, a standby
 * could take over now, a witness hears nodes. What is another node's fault makes no 503 here: a silent peer is in the
 * conditions. An operator's pause makes none either: it is obeyed, and an upgrade waits for 200 while paused.
 */
import { canServe } from "../core/health.ts";
import { inWords } from "../core/in-words.ts";
import type { CoreConfig } from "../core/settings.ts";
import type { State } from "../core/state.ts";
import { hearing } from "../core/suspicion.ts";
import type { MonotonicMs } from "../core/types.ts";

export interface HealthAnswer {
  readonly ok: boolean;
  /** One sentence. */
  readonly reason: string;
}

/** A driver that has not ticked for this long shows an old state; far beyond any lateness that self-doubt handles. */
const STALE_AFTER_MS = 5_000;
/** One failed read is a blip. */
const READS_IN_A_ROW = 2;

/** @param nowMs the monotonic clock now, which tells a driver that no longer ticks */
export function healthOf(state: State, config: CoreConfig, nowMs: MonotonicMs): HealthAnswer {
  const sinceTickMs = nowMs - state.tickedAtMs;
  if (sinceTickMs >= STALE_AFTER_MS) return no(`The agent has not ticked for ${inWords(sinceTickMs)}.`);
  switch (state.role) {
    case "starting":
      return no("Starting: EC2 has not shown twice where the address is.");
    case "active":
      return canServe(state.health.serving) ? yes(`Active and serving: ${state.health.reason}`) : no(`Active, but its Asterisk is ${state.health.serving}: ${state.health.reason}`);
    case "claiming":
      return canServe(state.health.serving) ? yes("Claiming the address.") : no(`Claiming, but its Asterisk is ${state.health.serving}: ${state.health.reason}`);
    case "standby":
      return ofStandby(state, config);
    case "witness":
      return ofWitness(state, config);
  }
}

function ofStandby(state: State, config: CoreConfig): HealthAnswer {
  const { claimReady, ownership, evidence, policy } = state;
  if (!canServe(state.health.serving)) return no(`Standby, but its Asterisk is ${state.health.serving}: ${state.health.reason}`);
  if (policy.blocked) return no(`Standby, but blocked after ${config.claimsPerHour} automatic claims within an hour (nodectl ack).`);
  if (ownership.failures >= READS_IN_A_ROW) return no(`Standby, but EC2 can't be read: ${ownership.failure?.code ?? "unknown"}: ${ownership.failure?.message ?? ""}`);
  if (claimReady.ready === null) return no("Standby, but a claim has not been tried dry yet.");
  if (!claimReady.ready) return no(`Standby, but the dry run of a claim failed: ${claimReady.failure?.code ?? "unknown"}: ${claimReady.failure?.message ?? ""}`);
  const blind = [evidence.private, evidence.public].every((track) => track.failedSentAtMs !== null && track.okSinceMs === null);
  if (blind) return no("Standby, but neither reference answers: this node can't tell a silent active from its own broken network.");
  return yes(policy.pause.on ? `Standby and ready, but automatic claims are paused: ${policy.pause.reason}` : "Standby and ready to take over.");
}

function ofWitness(state: State, config: CoreConfig): HealthAnswer {
  const heard = config.peers.filter((peer) => ["heard", "late"].includes(hearing(state.members[peer], state.nowMs, config)));
  return heard.length > 0 ? yes(`Witness; hears ${heard.join(", ")}.`) : no("Witness, but hears no node.");
}

function yes(reason: string): HealthAnswer {
  return { ok: true, reason };
}

function no(reason: string): HealthAnswer {
  return { ok: false, reason };
}
