/** Strangers on the heartbeat port: how late they make the good heartbeats, and whether they can move the address. */
import { KNOBS } from "../../../agent/knobs.ts";
import type { Figure } from "../figure.ts";
import { floodRuns, type FloodRun } from "../flood/flood-runs.ts";
import { FAULT_KNOBS } from "../lab-knobs.ts";

function inWords({ flood, did, cpu, resident }: FloodRun): string {
  const share = `the attacked agent took ${cpu.toFixed(1)} % of a core and ${resident.toFixed(0)} MB`;
  return did === null ? `Without a flood ${share}.` : `*${flood}*: ${Math.round(did.connections / did.seconds)} connections a second, of which ${Math.round((100 * did.established) / Math.max(1, did.connections))} % were accepted by the kernel, ${(did.bytes / 1e6).toFixed(1)} MB sent; ${share}.`;
}

export const flood: Figure = {
  name: "flood",
  title: "heartbeat later than its interval, heartbeat port flooded",
  unit: "ms",
  goal: { statistic: "max", atMost: KNOBS.HEARTBEAT_INTERVAL_MS.default },
  lab: true,
  measure: async (bench) => {
    const runs = await floodRuns(bench);
    const attacks = runs.filter(({ did }) => did !== null);
    return {
      samples: attacks.flatMap(({ delaysMs }) => delaysMs),
      failures: runs.filter(({ moves }) => moves > 0).map(({ flood: kind, moves }) => `The address moved ${moves} times under ${kind}.`),
      notes: [
        "How much later than its interval each good heartbeat came in, at both agents, while a stranger without a key floods the active's heartbeat port through the Elastic IP, as if no security group were there: handshakes that are begun as fast as the machine can, a thousand connections that say one byte a second, and records of the largest size of a message that never ends.",
        "The attacker has a network of its own, and shares the machine's cores with both nodes, at the lowest priority.",
        ...runs.map(inWords),
      ],
      parts: runs.map(({ flood: kind, delaysMs }) => ({ name: kind === "calm" ? "without a flood" : kind, samples: delaysMs })),
      knobs: FAULT_KNOBS,
    };
  },
};
