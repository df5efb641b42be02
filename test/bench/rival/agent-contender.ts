/** Our own agent, started as pm2 starts it: the bundle of dist/, with the benchmark's settings. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { NodeName } from "../../support/lab/addresses.ts";
import type { Pair } from "../../support/lab/pair.ts";
import type { LabProcess } from "../../support/lab/process.ts";
import type { Contender } from "./contender.ts";

export function agentContender(): Contender {
  const processes = new Map<NodeName, LabProcess>();
  const processOn = (node: NodeName): LabProcess => {
    const found = processes.get(node);
    if (found === undefined) throw new Error(`no agent was started on ${node}`);
    return found;
  };
  return {
    name: "agent",
    processOn,
    async start(pair, node) {
      await rm(join(pair.lab.dir, "state", node), { recursive: true, force: true });
      await pair.startAgent(node);
      const { agent } = pair.node(node);
      if (agent !== null) processes.set(node, agent);
    },
    async actives(pair) {
      const views = await Promise.all([...processes].filter(([, process]) => process.running()).map(async ([node]) => [node, await pair.status(node)] as const));
      return views.filter(([, view]) => view.role === "active").map(([node]) => node);
    },
    async isSteady(pair: Pair, active) {
      const views = await Promise.all([...pair.nodes.keys()].map((node) => pair.status(node)));
      const standby = views.find((view) => view.role === "standby");
      const heard = views.every((view) => view.health?.serving === "serving" && view.members.every((member) => member.hearing === "heard"));
      const watched = standby?.votes?.own.channels.every((channel) => channel.proven && channel.verdict === "up") === true;
      return heard && watched && standby.policy.holdDownLeftMs === 0 && views.some((view) => view.role === "active" && view.node === active);
    },
    async stop() {
      for (const process of processes.values()) process.kill("SIGKILL");
      for (const process of processes.values()) await process.exited;
      processes.clear();
    },
  };
}
