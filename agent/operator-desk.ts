/** What `nodectl` may ask over the operator's socket: the cluster in a few rows, how an order goes on, what a takeover would override. Changes nothing. */
import { z } from "zod";
import { inWords } from "./core/in-words.ts";
import { holderName, isHeldBy } from "./core/ownership.ts";
import type { CoreConfig } from "./core/settings.ts";
import type { State } from "./core/state.ts";
import { freshHeartbeat } from "./core/suspicion.ts";
import { isUnderWay, switchoverSays } from "./core/switchover.ts";
import { overridesOf, takeoverRefusal } from "./core/takeover.ts";
import type { OperatorQuery } from "./operator-socket.ts";

const rowSchema = z.object({ node: z.string(), role: z.string(), holds: z.boolean(), asterisk: z.string(), calls: z.number(), draining: z.boolean(), note: z.string() });

/** The cluster as this node sees it. */
export const surveySchema = z.object({
  node: z.string(),
  kind: z.enum(["node", "witness"]),
  cluster: z.string(),
  publicIp: z.string().nullable(),
  holder: z.string(),
  /** Why automatic claims are paused; null when they are not. */
  paused: z.string().nullable(),
  /** The id of a switchover that is under way somewhere, and its sentence. */
  underWay: z.object({ id: z.string(), says: z.string() }).nullable(),
  rows: z.array(rowSchema),
});
export type Survey = z.infer<typeof surveySchema>;

/** How an order goes on. `by` leads it. */
export const reportSchema = z.object({ by: z.string(), to: z.string().nullable(), phase: z.string(), says: z.string(), ended: z.boolean(), ok: z.boolean() }).nullable();
export type Report = z.infer<typeof reportSchema>;

/** What a takeover would meet. */
export const overridesSchema = z.object({ refusal: z.string().nullable(), overrides: z.array(z.object({ gate: z.string(), says: z.string(), danger: z.string() })) });

/** The answer to a query, as JSON. */
export function answerQuery(state: State, config: CoreConfig, query: Exclude<OperatorQuery, { kind: "status" }>): unknown {
  switch (query.kind) {
    case "survey":
      return surveyOf(state, config);
    case "progress":
      return reportOf(state, config, query.id);
    case "overrides":
      return { refusal: takeoverRefusal(state, query.evenIfNotServing, config), overrides: overridesOf(state, config) };
  }
}

function surveyOf(state: State, config: CoreConfig): Survey {
  const { health, ownership, policy } = state;
  const own = { node: config.nodeId, role: state.role, holds: state.role === "active" && isHeldBy(ownership, config.nodeId), asterisk: health.serving, calls: health.calls, draining: state.draining !== null, note: state.draining?.reason ?? "" };
  const peers = config.peers.map((node): Survey["rows"][number] => {
    const heartbeat = freshHeartbeat(state, node, config);
    if (heartbeat !== null) return { node, role: heartbeat.role, holds: heartbeat.holds, asterisk: heartbeat.serving, calls: heartbeat.calls, draining: heartbeat.draining, note: "" };
    const heardAtMs = state.members[node]?.heardAtMs ?? null;
    return { node, role: "silent", holds: isHeldBy(ownership, node), asterisk: "unknown", calls: 0, draining: false, note: heardAtMs === null ? "never heard since this agent's start" : `silent for ${inWords(state.nowMs - heardAtMs)}` };
  });
  const rows = [...(config.kind === "witness" ? [] : [own]), ...peers].toSorted((a, b) => (a.node < b.node ? -1 : 1));
  return { node: config.nodeId, kind: config.kind, cluster: config.clusterId, publicIp: ownership.publicIp, holder: holderName(ownership.holder), paused: policy.pause.on ? policy.pause.reason : null, underWay: underWay(state, config), rows };
}

function underWay(state: State, config: CoreConfig): Survey["underWay"] {
  if (isUnderWay(state.switchover)) return { id: state.switchover.id, says: switchoverSays(state) };
  for (const peer of config.peers) {
    const theirs = freshHeartbeat(state, peer, config)?.switchover;
    if (theirs != null && ["draining", "yielding", "withdrawing"].includes(theirs.phase)) return { id: theirs.id, says: theirs.says };
  }
  return null;
}

/** null: nobody who is heard knows that order (any more). */
function reportOf(state: State, config: CoreConfig, id: string): Report {
  const { switchover, takeover } = state;
  if (takeover?.id === id) return { by: config.nodeId, to: config.nodeId, phase: takeover.phase, says: takeover.ending, ended: takeover.phase !== "claiming", ok: takeover.phase === "done" };
  if (switchover?.id === id) return reportFrom(config.nodeId, { ...switchover, says: switchoverSays(state) });
  for (const peer of config.peers) {
    const theirs = freshHeartbeat(state, peer, config)?.switchover;
    if (theirs?.id === id) return reportFrom(peer, theirs);
  }
  return null;
}

function reportFrom(by: string, { to, phase, says }: { readonly to: string | null; readonly phase: string; readonly says: string }): Report {
  return { by, to, phase, says, ended: !["draining", "yielding", "withdrawing"].includes(phase), ok: phase === "done" || phase === "checked" };
}
