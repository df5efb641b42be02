/** The address, offered by the active to one standby by name: what the standby may believe of it, and what the active may believe of the answer. */
import type { Heartbeat } from "./heartbeat.ts";
import type { CoreConfig } from "./settings.ts";
import type { State } from "./state.ts";
import { answersUs, freshHeartbeat } from "./suspicion.ts";
import type { NodeId } from "./types.ts";

/** A heartbeat offers the address to that node. */
export function offersTo({ switchover }: Heartbeat, node: NodeId): boolean {
  return switchover?.phase === "yielding" && switchover.to === node;
}

/** Why the active offers the address to this node, or null. As for a yield, only its own fresh word counts, and after a stall of ours only an answer. */
export function offerOf(state: State, config: CoreConfig): string | null {
  const { target } = state.evidence;
  const heartbeat = target === null ? null : freshHeartbeat(state, target, config);
  if (heartbeat?.holds !== true || !answersUs(heartbeat, state) || !offersTo(heartbeat, config.nodeId)) return null;
  return heartbeat.switchover?.reason ?? "";
}

/** The target's fresh word, if it has heard what this node said after `sequence`. */
export function answeringTarget(state: State, to: NodeId | null, sequence: number, config: CoreConfig): Heartbeat | null {
  const heartbeat = to === null ? null : freshHeartbeat(state, to, config);
  return heartbeat?.echo != null && answersUs(heartbeat, state) && heartbeat.echo.sequence > sequence ? heartbeat : null;
}
