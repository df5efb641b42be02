/** Promise L2: the instance is gone, and nobody says so. */
import { faultFigure } from "../fault-figure.ts";
import { nodeGoneRuns } from "../faults.ts";

export const nodeGone = faultFigure({
  name: "node-gone",
  title: "active node gone → AssociateAddress sent",
  goalMs: 2_000,
  says: "From just before the node's network is taken away (its processes are killed right after) until AssociateAddress has arrived at EC2, which is a little later than it was sent.",
  runs: nodeGoneRuns,
  sampleOf: (run) => run.sentMs,
});
