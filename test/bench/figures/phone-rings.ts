/**
 * How long a phone can't be called when the active dies: it registered with the dead node, is a row of the database that both
 * nodes share, and rings through the other one without doing anything.
 */
import { loadavg } from "node:os";
import { monotonicMs } from "../../support/lab/clock.ts";
import { openPair, type Pair } from "../../support/lab/pair.ts";
import { preparePhones, startPhone, type Phone } from "../../support/lab/phones.ts";
import { runSipp } from "../../support/lab/sipp.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { callsAfter, isClaim, lastCall, pause, randomMoment, steadyRoles } from "../fault-pair.ts";
import { nodeGone } from "../faults.ts";
import type { Bench, Figure } from "../figure.ts";
import { FAULT_KNOBS } from "../lab-knobs.ts";
import { repeated } from "../repeated.ts";

const CALLS_PER_SECOND = 5;
const RINGS_WITHIN_MS = 45_000;
const LOOK_EVERY_MS = 20;
const PHONE = "desk-1";
const PASSWORD = "bench-phone-password";
/** Each run has a phone of its own, so that no binding grows old. */
const FIRST_PORT = 5_200;

/** In place of a Stasis app: a call from the trunk to 100 goes to the phone. */
const DIALPLAN = `[incoming]
exten => 100,1,Dial(PJSIP/${PHONE},30)
 same => n,Hangup()
`;

export const phoneRings: Figure = {
  name: "phone-rings",
  title: "active node gone → a call rings at a phone that it had registered",
  unit: "ms",
  goal: { statistic: "max", atMost: 5_000 },
  lab: true,
  measure: async (bench) => {
    await bench.release();
    const { results: runs, failures } = await repeated(bench, {
      name: "phone rings",
      once: (number) => oneRun(bench, number),
      says: (run) => `after ${Math.round(run.rangMs)} ms, claim sent after ${Math.round(run.sentMs)} ms, load ${run.load.toFixed(1)}`,
    });
    const loads = runs.map(({ load }) => load);
    return {
      samples: runs.map(({ rangMs }) => rangMs),
      failures,
      notes: [
        `From just before the node's network is taken away until the phone has the first INVITE that came by the other node. The carrier's calls come ${CALLS_PER_SECOND} times a second and are repeated as SIP repeats them; the phone registered once, over UDP, with the node that dies. Real Asterisks, MariaDB, SIPp and the agents' bundle in network namespaces of one machine.`,
        `EC2 takes 300 ms for a call that changes something, 50 ms for a read, and packets follow 1000 ms after the move. 1-minute load ${loads.length === 0 ? "-" : `${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`}.`,
      ],
      parts: [{ name: "AssociateAddress has arrived at EC2", samples: runs.map(({ sentMs }) => sentMs) }],
      knobs: FAULT_KNOBS,
    };
  },
};

interface Run {
  readonly rangMs: number;
  readonly sentMs: number;
  readonly load: number;
}

/** A pair with a database of phones; the phones' own address is made with it. */
function phonePair(bench: Bench): Promise<Pair> {
  return bench.resource("phone pair", async () => {
    bench.say("opening a pair with a database of phones");
    const pair = await openPair({ knobs: FAULT_KNOBS, database: true, asteriskFiles: { "extensions_local.conf": DIALPLAN } });
    try {
      await preparePhones(pair.lab);
      await pair.database?.addPhone(PHONE, PASSWORD);
      for (const name of pair.nodes.keys()) await pair.startAgent(name);
      await pair.steady("node-a");
      await pair.caller?.stop();
      pair.caller = null;
    } catch (error) {
      await pair.close();
      throw error;
    }
    return pair;
  });
}

async function oneRun(bench: Bench, number: number): Promise<Run> {
  const pair = await phonePair(bench);
  const { active } = await steadyRoles(pair);
  const phone = await startPhone(pair.lab, { user: PHONE, password: PASSWORD, port: FIRST_PORT + number });
  const carrier = await runSipp(pair.lab, { service: "100", calls: 100_000, rate: CALLS_PER_SECOND, timeoutMs: 120_000, args: ["-d", "100"] });
  try {
    return await dieAndRing(pair, active, phone);
  } finally {
    await carrier.process.end();
    await phone.stop();
  }
}

async function dieAndRing(pair: Pair, active: Awaited<ReturnType<typeof steadyRoles>>["active"], phone: Phone): Promise<Run> {
  await waitUntil("the phone to ring", () => phone.asked("INVITE").length > 0, RINGS_WITHIN_MS);
  const before = await lastCall(pair, 0);
  const movesBefore = pair.moves.length;
  await randomMoment();
  const [faultAtMs, faultAtWallMs] = [monotonicMs(), Date.now()];
  await nodeGone.strike(pair, active);
  // Nothing of the dead node's comes later than this.
  const deadAtMs = monotonicMs();
  const rang = await waitUntil("the phone to ring again", async () => {
    await pause(LOOK_EVERY_MS);
    return phone.asked("INVITE", deadAtMs)[0];
  }, RINGS_WITHIN_MS);
  const load = loadavg()[0] ?? 0;
  await waitUntil("the move to be known", () => pair.moves.length > movesBefore, RINGS_WITHIN_MS);
  const claim = (await callsAfter(pair, before)).find((call) => isClaim(call));
  if (claim === undefined) throw new Error("the phone rang without a claim");
  await nodeGone.mend(pair, active);
  return { rangMs: rang.atMs - faultAtMs, sentMs: claim.receivedAtWallMs - faultAtWallMs, load };
}
