/** What a steady node asks of AWS: three goals, counted at the embedded AWS in the same minutes. */
import { KNOBS } from "../../../agent/knobs.ts";
import type { CallRecord } from "../../support/aws/aws-lab.ts";
import type { Figure } from "../figure.ts";
import { isDryRun } from "../fault-pair.ts";
import { steadyNote, steadyPair, type Steady } from "../steady-pair.ts";

const HOUR_MS = 3_600_000;

export const addressReads: Figure = perMinute("aws-address-reads", "DescribeAddresses of a steady node", "DescribeAddresses");
export const metricPuts: Figure = perMinute("aws-metric-puts", "PutMetricData of a steady node", "PutMetricData");

function perMinute(name: string, title: string, action: string): Figure {
  return {
    name,
    title,
    unit: "a minute",
    goal: { statistic: "max", atMost: 1 },
    lab: true,
    measure: async (bench) => {
      const steady = await steadyPair(bench);
      return {
        samples: steady.agents.map(({ calls }) => calls.filter((call) => call.action === action).length / steady.minutes),
        failures: [],
        notes: ["Calls of each node that arrived at the embedded AWS in those minutes, divided by the minutes.", steadyNote(steady), everything(steady)],
        parts: [],
        knobs: {},
      };
    },
  };
}

export const dryRuns: Figure = {
  name: "aws-dry-runs",
  title: "dry runs of a claim by a steady node",
  unit: "an hour",
  goal: { statistic: "max", atMost: 6 },
  lab: true,
  measure: async (bench) => {
    const steady = await steadyPair(bench);
    const gaps = steady.agents.flatMap(({ dryRunsAtMs }) => dryRunsAtMs.slice(1).map((at, index) => at - (dryRunsAtMs[index] ?? at)));
    const counted = steady.agents.map(({ calls }) => calls.filter((call) => isDryRun(call)).length);
    // A rate per hour can't be counted in minutes: the time between two of them says it, once two have been seen.
    const how = gaps.length > 0
      ? "Measured: an hour divided by the time between two dry runs of a node, the one at its start included."
      : "EXTRAPOLATED, not measured: in so short a time no second dry run came, so this is an hour divided by the default of DRY_RUN_INTERVAL_MS. From --minutes 10 on it is measured.";
    return {
      samples: (gaps.length > 0 ? gaps : [KNOBS.DRY_RUN_INTERVAL_MS.default]).map((gap) => HOUR_MS / gap),
      failures: [],
      notes: [`${how} In the ${steady.minutes} min themselves there were ${counted.join(" and ")}.`, steadyNote(steady)],
      parts: [],
      knobs: {},
    };
  },
};

/** All actions, so that nothing hides behind the three that have a goal. */
function everything({ agents }: Steady): string {
  const name = (call: CallRecord): string => (isDryRun(call) ? `${call.action} (dry run)` : call.action);
  const counts = agents.map(({ role, calls }) => {
    const actions = [...new Set(calls.map(name))].sort();
    return `${role}: ${actions.map((action) => `${calls.filter((call) => name(call) === action).length} ${action}`).join(", ")}`;
  });
  return `All calls: ${counts.join("; ")}.`;
}
