/**
 * Is the pair steady? Asked of both agents' own status and of the caller. A fault that comes before all evidence is in
 * place would show how the agents start, not how they fail over.
 */
import type { StatusView } from "../../agent/status/schema.ts";

/** What the caller saw in the last second. */
export interface CallerView {
  readonly answeredBy: string | null;
  readonly lost: number;
}

/** What is still being waited for, in words; null when the pair is steady. */
export function waitingFor(active: StatusView | null, standby: StatusView | null, caller: CallerView): string | null {
  if (active === null || standby === null) return "the agents to start";
  for (const view of [active, standby]) {
    if (view.health?.serving !== "serving") return `${view.node}: ${view.health?.reason ?? "no Asterisk"}`;
  }
  if (active.role !== "active" || standby.role !== "standby") return `the roles (${active.node} is ${active.role}, ${standby.node} is ${standby.role})`;
  for (const view of [active, standby]) {
    const deaf = view.members.find((member) => member.hearing !== "heard" || member.says?.hearsUs !== "heard");
    if (deaf !== undefined) return `${view.node} and ${deaf.id} to hear each other`;
    if (view.ready.claim !== true || view.ready.mark !== true) return `${view.node}: the dry run of a claim and of an alive mark`;
  }
  const channel = standby.votes?.own.channels.find((each) => each.verdict !== "up" || !each.proven);
  if (channel !== undefined || standby.votes?.suspectedForMs !== null) return `${standby.node}: channel ${channel?.name ?? "heartbeat"} to ${active.node}`;
  if (standby.policy.holdDownLeftMs > 0) return `${standby.node}: hold-down`;
  if (caller.answeredBy !== active.node || caller.lost > 0) return `the caller to be answered by ${active.node}`;
  return null;
}
