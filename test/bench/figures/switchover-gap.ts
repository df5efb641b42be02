/** What a planned move costs a caller: for how long nobody takes new calls. Nobody is on the telephone, so that nothing but the move is timed. */
import { callersGap, type CallersGap } from "../../support/lab/callers-gap.ts";
import { nodectl } from "../../support/lab/nodectl.ts";
import type { Pair } from "../../support/lab/pair.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { faultPair, freshCaller, pause, randomMoment, steadyRoles } from "../fault-pair.ts";
import type { Bench, Figure } from "../figure.ts";
import { FAULT_KNOBS } from "../lab-knobs.ts";
import { repeated } from "../repeated.ts";

const PROVEN_WITHIN_MS = 60_000;
const ANSWERED_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 300;

async function oneMove(pair: Pair): Promise<CallersGap> {
  const { active, standby } = await steadyRoles(pair);
  // Who handed the address over last is drained until packets have followed it.
  await waitUntil(`${standby} to have proven that it may claim, and no node to be drained`, async () => {
    await pause(LOOK_EVERY_MS);
    const [after, before] = [await pair.status(standby), await pair.status(active)];
    return after.ready.claim === true && after.draining === null && before.draining === null;
  }, PROVEN_WITHIN_MS);
  await freshCaller(pair);
  await pair.caller?.answeredBy(active);
  await randomMoment();
  const { code, stdout, stderr } = await nodectl(pair, active, "switchover", "--to", standby, "--yes", "--reason", "a measurement");
  if (code !== 0) throw new Error(`nodectl switchover: ${stderr.trim()} ${stdout.trim()}`);
  await pair.caller?.answeredBy(standby, ANSWERED_WITHIN_MS);
  return callersGap(pair, active, standby);
}

async function moves(bench: Bench): Promise<{ readonly gaps: readonly CallersGap[]; readonly failures: readonly string[] }> {
  const { results, failures } = await repeated(bench, {
    name: "switchover",
    once: async () => oneMove(await faultPair(bench)),
    says: (gap) => `no new calls for ${Math.round(gap.refusedMs)} ms, no answer at all for ${Math.round(gap.silentMs)} ms`,
  });
  return { gaps: results, failures };
}

export const switchoverGap: Figure = {
  name: "switchover-gap",
  title: "caller's gap in a planned switchover",
  unit: "ms",
  goal: { statistic: "p99", atMost: 1_600 },
  lab: true,
  measure: async (bench) => {
    const { gaps, failures } = await moves(bench);
    return {
      samples: gaps.map(({ refusedMs }) => refusedMs),
      failures,
      notes: [
        "`nodectl switchover` on the active, with nobody on the telephone: from the last request that the old active would have taken as a call to the first that the new one did, asking 20 times a second, so that up to 100 ms of it are the asking. What comes in between is answered with 503 and Retry-After, as long as packets still reach the old active.",
        "EC2 takes 300 ms for a call that changes something and 50 ms for a read, and packets follow 1000 ms after the move; the time that the lab's own router takes to turn round is in the figure. Each move begins up to a second after all was steady, and goes the other way than the one before.",
      ],
      parts: [{ name: "longest time without any answer, 503 included", samples: gaps.map(({ silentMs }) => silentMs) }],
      knobs: FAULT_KNOBS,
    };
  },
};
