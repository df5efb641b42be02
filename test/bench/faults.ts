/** The three faults that the benchmark times, and how each is mended. Nobody is told of any of them. */
import type { FaultRuns, Fault } from "./fault-runs.ts";
import { faultRuns } from "./fault-runs.ts";
import type { Bench } from "./figure.ts";
import { consentMarks, quorumMarks } from "./trace.ts";

const asteriskKilled: Fault = {
  name: "Asterisk killed",
  strike: async (pair, node) => { await pair.node(node).asterisk.kill(); },
  mend: async (pair, node) => {
    await pair.node(node).asterisk.start();
    await pair.node(node).asterisk.waitBooted();
  },
  marks: (logs, _, faultAtMs) => consentMarks(logs.active, logs.standby, faultAtMs),
};

const asteriskHung: Fault = {
  name: "Asterisk hung",
  strike: (pair, node) => { pair.node(node).asterisk.stop(); },
  mend: (pair, node) => {
    pair.node(node).asterisk.cont();
    return Promise.resolve();
  },
  marks: (logs, _, faultAtMs) => consentMarks(logs.active, logs.standby, faultAtMs),
};

export const nodeGone: Fault = {
  name: "node gone",
  // First the network, so that nothing of the dying processes is heard; then everything that ran there.
  strike: async (pair, node) => {
    await pair.lab.nodeGone(node);
    pair.node(node).agent?.kill("SIGKILL");
    await pair.node(node).asterisk.kill();
  },
  mend: async (pair, node) => {
    await pair.node(node).agent?.exited;
    await pair.lab.rejoin(node);
    await pair.node(node).asterisk.start();
    await pair.node(node).asterisk.waitBooted();
    await pair.startAgent(node);
  },
  marks: (logs, active, faultAtMs) => quorumMarks(logs.standby, active, faultAtMs),
};

export const asteriskKilledRuns = (bench: Bench): Promise<FaultRuns> => bench.once("asterisk killed", () => faultRuns(bench, asteriskKilled));
export const asteriskHungRuns = (bench: Bench): Promise<FaultRuns> => bench.once("asterisk hung", () => faultRuns(bench, asteriskHung));
/** Shared by the figure of the claim and that of the caller's outage: the same deaths, seen from two sides. */
export const nodeGoneRuns = (bench: Bench): Promise<FaultRuns> => bench.once("node gone", () => faultRuns(bench, nodeGone));
