/** The cluster in a few lines, as it is shown before and after the address moves. */
import type { Survey } from "../operator-desk.ts";

const HOLDS = "holds the address";

/** A heading and a line a node. */
export function clusterLines(when: "before" | "after", { cluster, publicIp, holder, paused, rows }: Survey): readonly string[] {
  const nodeWidth = Math.max(...rows.map(({ node }) => node.length));
  const roleWidth = Math.max(...rows.map(({ role }) => role.length));
  const lines = rows.map(({ node, role, holds, asterisk, calls, draining, note }) => {
    const state = [`Asterisk ${asterisk}`, `${calls} call(s)`, ...(draining ? ["refuses new calls"] : []), ...(note === "" ? [] : [note])];
    return `  ${node.padEnd(nodeWidth)}  ${role.padEnd(roleWidth)}  ${(holds ? HOLDS : "").padEnd(HOLDS.length)}  ${state.join(", ")}`;
  });
  return [`${when}: ${publicIp ?? "the address"} of ${cluster} is on ${holder}${paused === null ? "" : `; automatic claims are paused: ${paused}`}`, ...lines];
}
