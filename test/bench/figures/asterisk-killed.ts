/** Promise L1: Asterisk crashes, its agent lives and asks to be relieved. */
import { faultFigure } from "../fault-figure.ts";
import { asteriskKilledRuns } from "../faults.ts";

export const asteriskKilled = faultFigure({
  name: "asterisk-killed",
  title: "Asterisk killed on the active → AssociateAddress sent",
  goalMs: 600,
  says: "From just before SIGKILL until AssociateAddress has arrived at EC2, which is a little later than it was sent.",
  runs: asteriskKilledRuns,
  sampleOf: (run) => run.sentMs,
});
