/** A figure that comes of fault runs: one sample a run. */
import { disturbance, partsOf, type FaultRun, type FaultRuns } from "./fault-runs.ts";
import type { Bench, Figure } from "./figure.ts";
import { FAULT_KNOBS } from "./lab-knobs.ts";
import { lagInWords } from "./published-lag.ts";

const HOW = "Real Asterisks and the agents' bundle in network namespaces of one machine; EC2 is the embedded one over plain HTTP, so a TLS handshake is not in the figure. Each fault comes at a random moment, up to a second after all was steady, and the active of one run is the standby of the next.";

export function faultFigure(spec: Pick<Figure, "name" | "title"> & { readonly goalMs: number; readonly says: string; readonly runs: (bench: Bench) => Promise<FaultRuns>; readonly sampleOf: (run: FaultRun) => number }): Figure {
  return {
    name: spec.name,
    title: spec.title,
    unit: "ms",
    goal: { statistic: "p99", atMost: spec.goalMs },
    lab: true,
    measure: async (bench) => {
      const { runs, failures, lagMs } = await spec.runs(bench);
      return { samples: runs.map(spec.sampleOf), failures, notes: [spec.says, HOW, `${disturbance(runs, spec.sampleOf)} ${lagInWords(lagMs)}`], parts: partsOf(runs), knobs: FAULT_KNOBS };
    },
  };
}
