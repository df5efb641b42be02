/** What must hold for a planned failover: each a question with the sentence that the operator reads. */
import { notPaused, ownerKnown, serving, type Gate } from "./gates.ts";
import { canServe } from "./health.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { inWords } from "./in-words.ts";
import { holderName, isHeldBy } from "./ownership.ts";
import type { CoreConfig } from "./settings.ts";
import type { State } from "./state.ts";
import { freshHeartbeat } from "./suspicion.ts";
import type { NodeId } from "./types.ts";

/** The active itself is asked. */
export const holdsTheAddress: Gate = {
  name: "active here",
  passes: ({ state, config }) => state.role === "active" && isHeldBy(state.ownership, config.nodeId),
  says: ({ state, config }) => {
    if (state.role === "active") return `${config.nodeId} is active.`;
    const { holder } = state.ownership;
    if (holder?.kind === "node" && holder.node !== config.nodeId) return `The active, ${holder.node}, is not heard here: a planned switchover needs both sides. For a dead peer there is \`nodectl takeover --force\`.`;
    return `The address is on ${holderName(holder)}, so that no node can hand it over.`;
  },
};

const ec2Readable: Gate = {
  name: "EC2 readable",
  passes: ({ state }) => state.ownership.failures === 0,
  says: ({ state }) => (state.ownership.failure === null ? "EC2 answers." : `EC2 can't be read here: ${state.ownership.failure.message}.`),
};

/** The gates that the active asks of itself. */
export const tellable: readonly Gate[] = [serving, notPaused, ownerKnown, ec2Readable];

/** Asterisk has said that it refuses new calls. */
export const refusesCalls: Gate = {
  name: "refuses new calls",
  passes: ({ state }) => state.maintenance === true,
  says: ({ state }) => (state.maintenance === true ? "Asterisk refuses new calls." : "Asterisk does not take the order to refuse new calls (res_pjsip_maintenance)."),
};

/** The gates that are asked of the target. */
export function targetGates(to: NodeId | null): readonly Gate[] {
  const of = (name: string, good: (heartbeat: Heartbeat) => boolean, says: (heartbeat: Heartbeat) => string): Gate => {
    const heard = (state: State, config: CoreConfig): Heartbeat | null => (to === null ? null : freshHeartbeat(state, to, config));
    return {
      name,
      passes: ({ state, config }) => {
        const heartbeat = heard(state, config);
        return heartbeat !== null && good(heartbeat);
      },
      says: ({ state, config }) => {
        const heartbeat = heard(state, config);
        return heartbeat === null ? silence(to, state, config) : says(heartbeat);
      },
    };
  };
  return [
    of("target heard", ({ hearsYou }) => hearsYou === "heard", ({ node, hearsYou }) => (hearsYou === "heard" ? `${node} is heard and hears this node.` : `${node} does not hear this node.`)),
    of("target serving", (heartbeat) => canServe(heartbeat.serving), ({ node, serving: how, servingReason }) => `${node}'s Asterisk is ${how}: ${servingReason}`),
    of("target takes calls", ({ draining }) => !draining, ({ node, draining }) => (draining ? `${node} refuses new calls, as an operator told it.` : `${node} takes calls.`)),
    of("target standby", ({ role }) => role === "standby" || role === "claiming", ({ node, role }) => `${node} is ${role}.`),
    of("target may claim", ({ ready }) => ready === true, ({ node, ready }) => (ready === true ? `${node}'s last dry run of a claim succeeded.` : ready === false ? `${node}'s last dry run of a claim failed: it could not take the address (see its status).` : `${node} has not yet proven by a dry run that it may claim.`)),
  ];
}

function silence(to: NodeId | null, state: State, config: CoreConfig): string {
  if (to === null || !config.peers.includes(to)) return to === null ? "There is no other node in this cluster." : `${to} is no other node of this cluster; there is ${config.peers.join(", ")}.`;
  const heardAtMs = state.members[to]?.heardAtMs ?? null;
  return heardAtMs === null ? `${to} has not been heard since this agent's start.` : `${to} has been silent for ${inWords(state.nowMs - heardAtMs)}.`;
}
