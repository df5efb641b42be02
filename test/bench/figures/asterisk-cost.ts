/** What the agents' probes cost an Asterisk that carries a thousand calls. */
import type { Figure } from "../figure.ts";
import { asteriskCost, CALLS, LOAD_KNOBS } from "../load/asterisk-cost.ts";

export const probesCost: Figure = {
  name: "asterisk-cost",
  title: `what the agents' probes cost an Asterisk with ${CALLS} calls`,
  unit: "% of a core",
  goal: { statistic: "max", atMost: 2 },
  lab: true,
  measure: async (bench) => {
    const cost = await asteriskCost(bench);
    return {
      samples: cost.with.map((share, round) => share - (cost.without[round] ?? share)),
      failures: [
        ...(cost.moves > 0 ? [`The address moved ${cost.moves} times.`] : []),
        ...(cost.callsLeft < CALLS ? [`Of ${CALLS} calls ${cost.callsLeft} were left at the end.`] : []),
      ],
      notes: [
        `The active's Asterisk carries ${CALLS} calls by real SIP (SIPp through the Elastic IP, signalling only), answered by a Stasis application and held. Its CPU time is taken in turns without and with both agents; a sample is the difference of two turns that follow each other.`,
      ],
      parts: [
        { name: "Asterisk without the agents", samples: cost.without },
        { name: "Asterisk with the agents", samples: cost.with },
        { name: "the active's agent itself", samples: cost.agent },
      ],
      knobs: LOAD_KNOBS,
    };
  },
};
