/**
 * The faults, the same for both. Four warrant a move of the address, four do not: the caller is served all the time, and
 * whoever moves the address cuts every call in progress for nothing. `why` says what the difference comes from, for the
 * page of results.
 */
import type { NodeName } from "../../support/lab/addresses.ts";
import type { Pair } from "../../support/lab/pair.ts";
import { pause } from "../fault-pair.ts";
import type { Contender } from "./contender.ts";

/** The scene of one run. */
export interface Scene {
  readonly pair: Pair;
  readonly contender: Contender;
  /** Puts AWS back to its usual delays. */
  calmAws(): Promise<void>;
  /** Where the address is, as the lab's router has it. */
  holder(): NodeName;
}

export interface RivalFault {
  readonly name: string;
  readonly title: string;
  /** How many moves are right: more are needless. */
  readonly moves: 0 | 1;
  /** Something that happens, and is over, before the fault that is timed. Moves in it are needless. */
  before?(scene: Scene): Promise<void>;
  strike(scene: Scene, node: NodeName): Promise<void> | void;
  /** Runs beside the measuring, for faults that have a second part. */
  later?(scene: Scene): Promise<void>;
  /** Undoes it, as an operator or AWS would: a process that died is started again. */
  mend(scene: Scene, node: NodeName): Promise<void>;
  /** For faults without a move: how long they last (ms). */
  readonly lastsMs?: number;
  readonly why: string;
}

const CUT_MS = 12_000;
const AFTER_CUT_MS = 7_000;
const THROTTLED_MS = 12_000;

async function startAsterisk({ pair }: Scene, node: NodeName): Promise<void> {
  await pair.node(node).asterisk.start();
  await pair.node(node).asterisk.waitBooted(60_000);
}

async function dieWhole({ pair, contender }: Scene, node: NodeName): Promise<void> {
  await pair.lab.nodeGone(node);
  contender.processOn(node).kill("SIGKILL");
  await pair.node(node).asterisk.kill();
}

async function comeBack(scene: Scene, node: NodeName): Promise<void> {
  await scene.contender.processOn(node).exited;
  await scene.pair.lab.rejoin(node);
  await startAsterisk(scene, node);
  await scene.contender.start(scene.pair, node);
}

const other = (pair: Pair, node: NodeName): NodeName => [...pair.nodes.keys()].find((name) => name !== node) ?? node;

export const RIVAL_FAULTS: readonly RivalFault[] = [
  {
    name: "killed", title: "Asterisk killed on the active", moves: 1,
    strike: async ({ pair }, node) => { await pair.node(node).asterisk.kill(); },
    mend: startAsterisk,
    why: "The agent learns of a crash from its closed event socket and a refused ping, within milliseconds, and asks the standby to take over; keepalived needs two of its checks, a second apart, and the backup then waits for its skew time.",
  },
  {
    name: "hung", title: "Asterisk hung on the active", moves: 1,
    strike: ({ pair }, node) => { pair.node(node).asterisk.stop(); },
    mend: ({ pair }, node) => Promise.resolve(pair.node(node).asterisk.cont()),
    why: "Both must wait for answers that do not come: the agent for three probes of 0.4 s that follow each other quickly once one is missed, keepalived for two checks of 1 s, a second apart.",
  },
  {
    name: "gone", title: "the active node is gone", moves: 1,
    strike: dieWhole, mend: comeBack,
    why: "The agent calls an active gone after 1.5 s of silence on three channels at once; keepalived after three advertisements and the skew time, 3.6 s.",
  },
  {
    name: "throttled", title: "the active node is gone while EC2 throttles claims for 12 s", moves: 1,
    before: async ({ pair }) => { await pair.aws("addFault", { action: "AssociateAddress", outcome: "throttle" }); },
    strike: dieWhole,
    later: async (scene) => {
      await pause(THROTTLED_MS);
      await scene.calmAws();
    },
    mend: comeBack,
    why: "The agent looks at where the address is and tries until it has it, with waits of up to 5 s. keepalived runs its notify script once per change of state, and has the SDK's five attempts: where they last longer than the throttling, it is saved by them; once they are used up, nothing runs the script again.",
  },
  {
    name: "later-failure", title: "Asterisk killed on the holder, after a cut between the nodes has healed", moves: 1,
    before: async ({ pair }) => {
      await pair.lab.cut("node-a", "node-b");
      await pause(CUT_MS);
      await pair.lab.heal();
      await pause(AFTER_CUT_MS);
    },
    strike: async ({ pair }, node) => { await pair.node(node).asterisk.kill(); },
    mend: async (scene) => {
      for (const node of scene.pair.nodes.keys()) if (!scene.pair.node(node).asterisk.running()) await startAsterisk(scene, node);
    },
    why: "After a cut keepalived's two masters agree on one again, and it is not the one that took the address last; when the holder then fails, the master has been master all along, and no script runs. The agents believe EC2, and nothing had moved in the cut.",
  },
  {
    name: "cut", title: "the cable between the nodes is cut for 12 s", moves: 0, lastsMs: CUT_MS,
    strike: ({ pair }, node) => pair.lab.cut(node, other(pair, node)),
    mend: ({ pair }) => pair.lab.heal(),
    why: "Silence on one path proves nothing: the agent's standby still hears Asterisk over the Elastic IP and sees the alive mark on EC2. VRRP has the one path, and two masters without it.",
  },
  {
    name: "software-killed", title: "the failover software is killed on the active, Asterisk is fine", moves: 0, lastsMs: CUT_MS,
    strike: ({ contender }, node) => contender.processOn(node).kill("SIGKILL"),
    mend: async ({ pair, contender }, node) => {
      await contender.processOn(node).exited;
      await contender.start(pair, node);
    },
    why: "A dead agent is not a dead Asterisk: the agent's standby asks Asterisk itself. To VRRP the daemon and the service are one.",
  },
  {
    name: "software-paused", title: "the failover software is stopped for 10 s on the active and continued", moves: 0, lastsMs: 10_000,
    strike: ({ contender }, node) => contender.processOn(node).kill("SIGSTOP"),
    mend: ({ contender }, node) => Promise.resolve(contender.processOn(node).kill("SIGCONT")),
    why: "As above; and the agent that comes back doubts itself before it doubts others.",
  },
];
