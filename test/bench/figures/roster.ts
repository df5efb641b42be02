/** What the roster of a thousand calls costs: Asterisk's share, the link and the agent, measured in the same minutes. */
import type { Figure, Goal, Measurement, Unit } from "../figure.ts";
import { rosterNote, rosterPair, valuesOf, type RosterLoad } from "../roster-pair.ts";

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

export const rosterAsterisk = rosterFigure("roster-asterisk", "Asterisk's CPU for the roster of 1 000 calls", "% of a core", 1, (load) => ({
  samples: [mean(valuesOf(load, "roster", "asterisk")) - mean(valuesOf(load, "no listing", "asterisk"))],
  says: `Asterisk's CPU with the roster less that without a listing, each the mean of its minutes. All that the agent asks of Asterisk, its probes and events included: ${(mean(valuesOf(load, "roster", "asterisk")) - mean(valuesOf(load, "away", "asterisk"))).toFixed(2)} % of a core.`,
  parts: [
    { name: "Asterisk, each minute with the roster", samples: valuesOf(load, "roster", "asterisk") },
    { name: "Asterisk, each minute without a listing", samples: valuesOf(load, "no listing", "asterisk") },
    { name: "Asterisk, each minute without an agent", samples: valuesOf(load, "away", "asterisk") },
  ],
}));

export const rosterLink = rosterFigure("roster-link", "link between the agents with 1 000 calls", "kB a second", 20, (load) => ({
  samples: valuesOf(load, "roster", "link").map(inKb),
  says: "TCP payload of both connections in both directions, TLS included, IP's and TCP's own headers not; 1 kB is 1 000 bytes.",
  parts: [{ name: "of it heartbeats: each minute without a listing", samples: valuesOf(load, "no listing", "link").map(inKb) }],
}));

export const rosterAgent = rosterFigure("roster-agent", "active agent's CPU with 1 000 calls", "% of a core", 5, (load) => ({
  samples: valuesOf(load, "roster", "active"),
  says: "User and system time of the active's whole agent in each minute.",
  parts: [
    { name: "each minute without a listing, active", samples: valuesOf(load, "no listing", "active") },
    { name: "each minute with the roster, standby", samples: valuesOf(load, "roster", "standby") },
  ],
}));

const inKb = (bytes: number): number => bytes / 1_000;

interface Column extends Pick<Measurement, "samples" | "parts"> {
  readonly says: string;
}

function rosterFigure(name: string, title: string, unit: Unit, atMost: number, columnOf: (load: RosterLoad) => Column): Figure {
  const goal: Goal = { statistic: "max", atMost };
  return {
    name, title, unit, goal, lab: true,
    measure: async (bench) => {
      const load = await rosterPair(bench);
      const { samples, parts, says } = columnOf(load);
      return { samples, parts, failures: [], notes: [says, rosterNote(load)], knobs: {} };
    },
  };
}
