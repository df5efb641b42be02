/** What must be true before a game day moves callers on purpose. Pure: from what the agent of this machine says. */
import type { Survey } from "../operator-desk.ts";
import type { StatusView } from "../status/schema.ts";

export interface Precondition {
  readonly what: string;
  readonly holds: boolean;
  /** What was found. */
  readonly found: string;
}

/** What was seen from outside and by the agents themselves, beside what the status says. */
export interface Checked {
  readonly addressAnswers: boolean;
  /** The agents' own dry run of the switchover. */
  readonly dryRun: { readonly ok: boolean; readonly message: string };
}

/** All of them, in the order of the report. */
export function preconditionsOf(view: StatusView, survey: Survey, checked: Checked): readonly Precondition[] {
  const { rows, holder, paused, underWay } = survey;
  const actives = rows.filter(({ role }) => role === "active");
  const notServing = rows.filter(({ asterisk }) => asterisk !== "serving");
  const draining = rows.filter((row) => row.draining);
  const unheard = view.members.filter(({ hearing }) => hearing !== "heard");
  const drifted = view.members.filter(({ says }) => says?.sameConfig === false);
  const errors = view.conditions.filter(({ severity }) => severity === "error");
  const { policy, ready } = view;
  const names = (list: readonly { readonly node: string }[]): string => list.map(({ node }) => node).join(", ");
  return [
    { what: "one node is active and holds the address", holds: actives.length === 1 && actives[0]?.holds === true && actives[0].node === holder, found: `active: ${names(actives) || "nobody"}; EC2 names ${holder}` },
    { what: "there is a standby", holds: rows.length - actives.length >= 1, found: `${rows.length} node(s)` },
    { what: "every node's Asterisk takes calls", holds: notServing.length === 0, found: rows.map(({ node, asterisk }) => `${node} ${asterisk}`).join(", ") },
    { what: "no node refuses new calls", holds: draining.length === 0, found: draining.length === 0 ? "none drains" : `drains: ${names(draining)}` },
    { what: "every member is heard", holds: unheard.length === 0, found: unheard.length === 0 ? `${view.members.length} member(s) heard` : `not heard: ${unheard.map(({ id }) => id).join(", ")}` },
    { what: "all members have the same settings", holds: drifted.length === 0, found: drifted.length === 0 ? "no drift" : `other settings: ${drifted.map(({ id }) => id).join(", ")}` },
    { what: "automatic claims are neither paused nor blocked", holds: paused === null && !policy.blocked, found: paused === null ? (policy.blocked ? "blocked" : "neither") : `paused: ${paused}` },
    { what: "no hold-down is left from an earlier move", holds: policy.holdDownLeftMs === 0, found: `${Math.ceil(policy.holdDownLeftMs / 1_000)} s left` },
    { what: "this node's dry run of a claim succeeds", holds: ready.claim === true, found: ready.claim === true ? "it does" : (ready.failure?.message ?? "not tried yet") },
    { what: "nothing is wrong that a person must act on", holds: errors.length === 0, found: errors.length === 0 ? "no such condition" : errors.map(({ name }) => name).join(", ") },
    { what: "no switchover is under way", holds: underWay === null, found: underWay?.says ?? "none" },
    { what: "the address answers SIP from this machine, over its public way", holds: checked.addressAnswers, found: checked.addressAnswers ? "it answers" : "it does not: give the drill on another node, or let this node's public address reach the SIP port" },
    { what: "the agents' own check of a switchover succeeds", holds: checked.dryRun.ok, found: checked.dryRun.message },
  ];
}
