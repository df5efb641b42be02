/** What a caller waits when the active's instance dies, with EC2's own slowness in it. */
import { faultFigure } from "../fault-figure.ts";
import { nodeGoneRuns } from "../faults.ts";

export const callersOutage = faultFigure({
  name: "callers-outage",
  title: "caller's outage when the active node is gone",
  goalMs: 3_600,
  says: "From the caller's last answer to its first from the new active, asking 20 times a second. EC2 takes 300 ms for a call that changes something, 50 ms for a read, and packets follow 1000 ms after the move; the time that the lab's own router takes to turn round is in the figure.",
  runs: nodeGoneRuns,
  sampleOf: (run) => run.outageMs,
});
