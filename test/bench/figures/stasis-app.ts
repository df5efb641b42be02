/** The Stasis app: how quickly it dials and reacts, how many calls it sets up, what two hundred calls cost. */
import type { Figure, Measurement } from "../figure.ts";
import { CALLS_AT_ONCE, CALLS_OF_CROWD, stasisAppRun } from "../stasis-app-runs.ts";

const measurement = (samples: readonly number[], notes: readonly string[], parts: Measurement["parts"] = []): Measurement => ({ samples, failures: [], notes, parts, knobs: {} });

export const stasisAppDial: Figure = {
  name: "stasis-app-dial",
  title: "Stasis app: POST /dial -> INVITE at the callee",
  unit: "ms",
  goal: { statistic: "max", atMost: 250 },
  lab: true,
  measure: async (bench) => measurement((await stasisAppRun(bench)).toInviteMs, ["One call at a time. Bounded by four transactions in the database (accept, look, claim, lease) and, at worst, a round of 100 ms."]),
};

export const stasisAppKey: Figure = {
  name: "stasis-app-key",
  title: "Stasis app: key press -> Asterisk carries out what it leads to",
  unit: "ms",
  goal: { statistic: "p99", atMost: 100 },
  lab: true,
  measure: async (bench) => measurement((await stasisAppRun(bench)).reactionsMs, ["From the event of the key to Asterisk's answer to the prompt that follows, with two hundred calls that press at the same rate at which they were set up. Bounded by ARI: a request costs Asterisk a hash of the password and a thread."]),
};

export const stasisAppSetUp: Figure = {
  name: "stasis-app-set-up",
  title: `Stasis app: first POST /dial -> ${CALLS_AT_ONCE} calls up`,
  unit: "ms",
  goal: { statistic: "max", atMost: 10_000 },
  lab: true,
  measure: async (bench) => {
    const { setUpMs } = await stasisAppRun(bench);
    return measurement([setUpMs], [`${((CALLS_AT_ONCE / setUpMs) * 1_000).toFixed(1)} calls set up a second, the posting of ${CALLS_AT_ONCE} requests included; the campaign's limit was 100 a second. Bounded by the machine's cores, which Asterisk, SIPp, MariaDB and the app share.`]);
  },
};

export const stasisAppCpu: Figure = {
  name: "stasis-app-cpu",
  title: `Stasis app: CPU with ${CALLS_AT_ONCE} calls in a menu`,
  unit: "% of a core",
  goal: { statistic: "max", atMost: 25 },
  lab: true,
  measure: async (bench) => {
    const { cpu, asteriskCpu } = await stasisAppRun(bench);
    return measurement([cpu], ["Calls that wait for a key: what remains are the rounds of the dialler and the outbox, ten a second each."], [{ name: "Asterisk meanwhile", samples: [asteriskCpu] }]);
  },
};

export const stasisAppMemory: Figure = {
  name: "stasis-app-memory",
  title: `Stasis app: memory (RSS) with ${CALLS_AT_ONCE} calls in a menu`,
  unit: "MB",
  goal: { statistic: "max", atMost: 200 },
  lab: true,
  measure: async (bench) => measurement([(await stasisAppRun(bench)).memory], ["Resident memory of the bundle, the node program included; 1 MB is 10^6 bytes. Bounded by node, the libraries and what V8 leaves uncollected: a call adds a few small objects and two timers."]),
};

export const stasisAppCrowd: Figure = {
  name: "stasis-app-crowd",
  title: `Stasis app: key press -> action with ${CALLS_OF_CROWD} calls at once`,
  unit: "ms",
  goal: { statistic: "p99", atMost: 250 },
  lab: true,
  measure: async (bench) => {
    const { mostAtOnce, reactionsMs, spoiled } = (await stasisAppRun(bench)).crowd;
    const failures = [...(mostAtOnce < CALLS_OF_CROWD ? [`only ${mostAtOnce} of ${CALLS_OF_CROWD} calls were up at the same moment`] : []), ...(spoiled > 0 ? [`${spoiled} calls were not answered at the first attempt`] : [])];
    return { ...measurement(reactionsMs, [`${mostAtOnce} calls at once, each held for 20 s: more need more to be set up in that time. Bounded by the cores that Asterisk, SIPp, MariaDB and the app share, then by Asterisk's media ports, of which a call takes two of ten thousand.`]), failures };
  },
};
