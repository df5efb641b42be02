/** The small troubles of a long week, one at a time, each over by itself. Only one of them warrants a move. */
import type { NodeName } from "../../support/lab/addresses.ts";
import type { Pair } from "../../support/lab/pair.ts";
import { agentOf, pause } from "../fault-pair.ts";
import { attack } from "../flood/flood-runs.ts";

export interface SoakFault {
  readonly name: string;
  /** How many moves of the address are right. */
  readonly moves: 0 | 1;
  /** Resolves when it is over. */
  strike(pair: Pair, active: NodeName, standby: NodeName): Promise<void>;
}

/** AWS as slow as it always is in the lab; openPair sets the same. */
async function calmAws(pair: Pair): Promise<void> {
  await pair.aws("clearFaults");
  for (const action of ["AssociateAddress", "CreateTags"]) await pair.aws("addFault", { action, delayBeforeMs: 300 });
  await pair.aws("addFault", { action: "DescribeAddresses", delayBeforeMs: 50 });
}

async function awsFault(pair: Pair, rule: object, ms: number): Promise<void> {
  await pair.aws("addFault", rule);
  await pause(ms);
  await calmAws(pair);
}

async function stopped(process: { kill(signal: NodeJS.Signals): void }, ms: number): Promise<void> {
  process.kill("SIGSTOP");
  await pause(ms);
  process.kill("SIGCONT");
}

export const SOAK_FAULTS: readonly SoakFault[] = [
  { name: "the cable between the nodes is cut for 6 s", moves: 0, strike: async ({ lab }, active, standby) => {
    await lab.cut(active, standby);
    await pause(6_000);
    await lab.heal();
  } },
  { name: "a fifth of the packets between the nodes is lost for 10 s", moves: 0, strike: async ({ lab }, active, standby) => {
    await lab.loss(active, standby, 20);
    await pause(10_000);
    await lab.heal();
  } },
  { name: "the standby can't reach AWS for 6 s", moves: 0, strike: async ({ lab }, _active, standby) => {
    await lab.cut(standby, "aws");
    await pause(6_000);
    await lab.heal();
  } },
  { name: "AWS throttles everything for 8 s", moves: 0, strike: (pair) => awsFault(pair, { outcome: "throttle" }, 8_000) },
  { name: "AWS takes a second for every answer for 8 s", moves: 0, strike: (pair) => awsFault(pair, { delayAfterMs: 1_000 }, 8_000) },
  { name: "the active's agent is stopped for 3 s", moves: 0, strike: (pair, active) => stopped(agentOf(pair, active), 3_000) },
  { name: "the standby's agent is stopped for 3 s", moves: 0, strike: (pair, _active, standby) => stopped(agentOf(pair, standby), 3_000) },
  { name: "the standby's Asterisk hangs for 5 s", moves: 0, strike: async (pair, _active, standby) => {
    pair.node(standby).asterisk.stop();
    await pause(5_000);
    pair.node(standby).asterisk.cont();
  } },
  { name: "strangers begin handshakes on the heartbeat port for 5 s", moves: 0, strike: async (pair) => { await attack(pair, "handshakes", 5); } },
  { name: "the active's Asterisk hangs for 8 s", moves: 1, strike: async (pair, active) => {
    pair.node(active).asterisk.stop();
    await pause(8_000);
    pair.node(active).asterisk.cont();
  } },
];
