/** A standby at 12000 ms from which a claim of each cause may be made: every gate is open. Tests close one at a time. */
import type { Verdict } from "../../agent/core/evidence.ts";
import type { Heartbeat } from "../../agent/core/heartbeat.ts";
import type { State } from "../../agent/core/state.ts";
import type { ClaimCause } from "../../agent/core/types.ts";
import { sampleConfig, sampleHeartbeat, sampleMember, sampleSilence, sampleStandby } from "../simulation/core-samples.ts";

/** Two witnesses: with them each vote can be turned by itself. */
export const CLAIMABLE_CONFIG = sampleConfig({ witnesses: ["witness-1", "witness-2"] });
const AT_MS = 12_000;

/** A witness heard just now that says so of node-a. */
export function witnessSays(witness: string, verdict: Verdict): State["members"] {
  return { [witness]: sampleMember(AT_MS, sampleHeartbeat({ node: witness, role: "witness", holds: false, verdict: { about: "node-a", verdict, heartbeat: verdict, sip: verdict, eip: verdict } })) };
}

export const CLAIMABLE: Readonly<Record<ClaimCause, State>> = {
  quorum: silence(),
  consent: heard({ serving: "down", yield: "Asterisk is not running." }),
  vacant: free(),
  switchover: heard({ switchover: { id: "00000000000000d1", to: "node-b", phase: "yielding", says: "", reason: "new kernel" } }),
  takeover: told(),
};

function silence(): State {
  const state = sampleSilence(AT_MS, 10_000, 11_600, CLAIMABLE_CONFIG);
  return { ...state, members: { ...state.members, ...witnessSays("witness-1", "down"), ...witnessSays("witness-2", "down") } };
}

/** The active's last heartbeat says this; it is suspected for it, and EC2 has been read since. */
function heard(said: Partial<Heartbeat>): State {
  const standby = sampleStandby(AT_MS, CLAIMABLE_CONFIG);
  return { ...standby, members: { ...standby.members, "node-a": sampleMember(11_900, sampleHeartbeat(said)) }, evidence: { ...standby.evidence, suspectedAtMs: 11_700 }, ownership: { ...standby.ownership, readSentAtMs: 11_700 } };
}

function free(): State {
  const standby = sampleStandby(AT_MS, CLAIMABLE_CONFIG);
  return { ...standby, ownership: { ...standby.ownership, holder: { kind: "nobody" }, sinceMs: 9_000 }, evidence: { ...standby.evidence, target: null } };
}

function told(): State {
  const standby = sampleStandby(AT_MS, CLAIMABLE_CONFIG);
  const takeover = { id: "00000000000000e1", reason: "zone 1 is gone", from: "node-a", accepted: ["active gone"], evenIfNotServing: false, phase: "claiming", ending: "", overrides: ["active gone"], askedAtMs: 11_500, phaseAtMs: 11_500 } as const;
  return { ...standby, takeover, ownership: { ...standby.ownership, readSentAtMs: 11_600 } };
}
