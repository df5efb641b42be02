/** The agent's resident memory, as the bundle that runs on nodes. */
import type { Figure } from "../figure.ts";
import type { Memory } from "../proc.ts";
import { steadyNote, steadyPair } from "../steady-pair.ts";

export const memory: Figure = {
  name: "memory",
  title: "agent's memory (RSS), bundle, steady pair",
  unit: "MB",
  goal: { statistic: "max", atMost: 120 },
  lab: true,
  measure: async (bench) => {
    const steady = await steadyPair(bench);
    const last = (field: keyof Memory): number[] => steady.agents.flatMap((agent) => agent.memory.at(-1)?.[field] ?? []);
    return {
      samples: last("resident"),
      failures: [],
      notes: [`VmRSS of both agents' processes at the end; 1 MB is 10^6 bytes.`, steadyNote(steady)],
      parts: [
        { name: "of it the process's own (anonymous)", samples: last("anonymous") },
        { name: "of it files (the node program), shared with other processes of it", samples: last("file") },
        { name: "the most since the start, booting included", samples: last("peak") },
        { name: "at the end of each minute", samples: steady.agents.flatMap((agent) => agent.memory.map(({ resident }) => resident)) },
      ],
      knobs: {},
    };
  },
};
