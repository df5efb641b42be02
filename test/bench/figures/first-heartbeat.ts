/** How long a restarted agent is silent: from starting the process until its peer has its first heartbeat. */
import { monotonicMs } from "../../support/lab/clock.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { agentOf, faultPair, pause, steadyRoles } from "../fault-pair.ts";
import type { Bench, Figure } from "../figure.ts";
import { FAULT_KNOBS } from "../lab-knobs.ts";
import { parseLog, tailOf } from "../log-tail.ts";
import { waitedMsOf } from "../proc.ts";
import { repeated } from "../repeated.ts";

/** Between two looks at the logs; the instants are in the logs, so looking rarely costs no precision. */
const LOOK_EVERY_MS = 100;
const HEARD_WITHIN_MS = 30_000;

export const firstHeartbeat: Figure = {
  name: "first-heartbeat",
  title: "bundle start → first heartbeat sent",
  unit: "ms",
  goal: { statistic: "max", atMost: 1_500 },
  lab: true,
  measure: async (bench) => {
    const { results: starts, failures } = await repeated(bench, {
      name: "start",
      once: () => oneStart(bench),
      says: (start) => `first heartbeat after ${Math.round(start.heardMs)} ms`,
    });
    return {
      samples: starts.map(({ heardMs }) => heardMs),
      failures,
      notes: ["From just before the process is started until its peer has received its first heartbeat, which is a little later than it was sent. The standby's agent is restarted; its program is in the page cache, EC2 takes 50 ms for a read.", `The starting process was ready to run and had no core for ${starts.length === 0 ? "-" : `${Math.round(Math.min(...starts.map(({ waitedMs }) => waitedMs)))} to ${Math.round(Math.max(...starts.map(({ waitedMs }) => waitedMs)))}`} ms of its first heartbeat's time.`],
      parts: [
        { name: "the agent says that it has started", samples: starts.map(({ startedMs }) => startedMs) },
        { name: "its connection to the peer is open", samples: starts.map(({ connectedMs }) => connectedMs) },
      ],
      knobs: FAULT_KNOBS,
    };
  },
};

interface Start {
  readonly heardMs: number;
  readonly startedMs: number;
  readonly connectedMs: number;
  /** For how long the new process had no core. */
  readonly waitedMs: number;
}

async function oneStart(bench: Bench): Promise<Start> {
  const pair = await faultPair(bench);
  const { active, standby } = await steadyRoles(pair);
  await agentOf(pair, standby).end();
  await pause(1_000 * Math.random());
  const peerLog = tailOf(agentOf(pair, active).logFile);
  const atMs = monotonicMs();
  await pair.startAgent(standby);
  const heard = await waitUntil(`a heartbeat of ${standby}`, async () => {
    await pause(LOOK_EVERY_MS);
    return peerLog().find((line) => line.event === "heartbeat-received" && line.from === standby && line.monoMs >= atMs);
  }, HEARD_WITHIN_MS);
  const waitedMs = waitedMsOf(agentOf(pair, standby).pid) ?? 0;
  const own = parseLog(agentOf(pair, standby).log());
  const started = own.find((line) => line.event === "agent-started");
  const connected = own.find((line) => line.event === "connection-changed" && line.connected === true && line.to === active);
  if (started === undefined || connected === undefined) throw new Error("the agent's log does not say when it had started");
  return { heardMs: heard.monoMs - atMs, startedMs: started.monoMs - atMs, connectedMs: connected.monoMs - atMs, waitedMs };
}
