/** Promise L3: Asterisk still accepts connections and answers nothing. */
import { faultFigure } from "../fault-figure.ts";
import { asteriskHungRuns } from "../faults.ts";

export const asteriskHung = faultFigure({
  name: "asterisk-hung",
  title: "Asterisk hung on the active → AssociateAddress sent",
  goalMs: 3_000,
  says: "From just before SIGSTOP until AssociateAddress has arrived at EC2, which is a little later than it was sent.",
  runs: asteriskHungRuns,
  sampleOf: (run) => run.sentMs,
});
