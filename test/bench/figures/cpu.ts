/** What an agent that has nothing to do takes from Asterisk's cores. */
import type { Figure } from "../figure.ts";
import { steadyNote, steadyPair } from "../steady-pair.ts";

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

export const cpu: Figure = {
  name: "cpu",
  title: "agent's CPU, steady pair",
  unit: "% of a core",
  goal: { statistic: "max", atMost: 1 },
  lab: true,
  measure: async (bench) => {
    const steady = await steadyPair(bench);
    return {
      samples: steady.agents.map((agent) => mean(agent.cpu)),
      failures: [],
      notes: ["User and system time of the whole process over the whole time, for each agent; a busy machine (colder caches) makes the same work take longer.", steadyNote(steady)],
      parts: [
        ...steady.agents.map((agent) => ({ name: `each minute, ${agent.role}`, samples: agent.cpu })),
      ],
      knobs: {},
    };
  },
};
