// Cores that are broken on purpose, where they start a stopped standby: what the promises say of each.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { simulatorsOf, type Change } from "../mutation/broken-core.ts";
import { replay, type Act, type Script } from "../simulation/story.ts";

const GATES = "[notPaused, ownerKnown, onPeer, nobodyElse, ownVerdictDown, nobodyUp, majorityDown, cloudAsked, standbyStopped, marksShown, startDue]";
const FILE = "cold-standby.ts";
const without = (...names: readonly string[]): Change => ({ file: FILE, sound: GATES, broken: names.reduce((list, name) => list.replace(`${name}, `, ""), GATES) });

interface Defect {
  readonly what: string;
  readonly changes: readonly Change[];
  /** After the standby has been stopped for a minute. */
  readonly sentences: readonly string[];
  readonly finds: RegExp;
}

const DEFECTS: readonly Defect[] = [
  { what: "nobody's word that the active lives counts", changes: [without("nobodyUp", "cloudAsked")], sentences: ["isolate witness-1 except EC2, resolver, endpoint, witness-2", "isolate witness-2 except EC2, resolver, endpoint, witness-1", "run 20 s"], finds: /^S2 .* although node-a is serving callers/ },
  { what: "no majority is needed", changes: [without("nobodyUp", "majorityDown", "cloudAsked")], sentences: ["cut node-a - EC2", "run 20 s", "isolate witness-1 except EC2, resolver, endpoint, witness-2", "run 20 s"], finds: /^S2 .* although witness-2 sees node-a alive and tells it/ },
  { what: "a pause does not count", changes: [without("notPaused")], sentences: ["operator pauses on node-a", "run 2 s", "power off node-a", "run 20 s"], finds: /^S2 .* while paused/ },
  { what: "the others' word of a pause does not count", changes: [{ file: "policy.ts", sound: "if (!newer) return policy;", broken: "if (!newer || newer) return policy;" }], sentences: ["operator pauses on witness-2", "run 2 s", "power off node-a", "run 20 s"], finds: /^S2 .* while witness-2 is paused/ },
  { what: "what runs is started", changes: [{ file: FILE, sound: 'seen?.state === "stopped" &&', broken: "seen !== undefined &&" }], sentences: ["operator starts node-b", "run 40 s", "power off node-b", "run 20 s", "power off node-a", "run 20 s"], finds: /^S1 .* which EC2 last called stopped/ },
  { what: "a failed start is tried again at once", changes: [{ file: FILE, sound: "const RETRY_MIN_MS = 2_000;", broken: "const RETRY_MIN_MS = 200;" }], sentences: ["EC2 denies StartInstances", "power off node-a", "run 40 s"], finds: /^N2 .* in a row has failed/ },
  { what: "the time of what was started does not count", changes: [{ file: FILE, sound: "awaited ? started.atMs + config.coldStartWaitMs : -Infinity", broken: "-Infinity" }], sentences: ["power off node-a", "run 10 s", "instance of node-b is stopped", "run 30 s"], finds: /^N2 .* after EC2 accepted a start/ },
  { what: "what has taken over is waited for", changes: [{ file: FILE, sound: "started !== null && started.node !== evidence.target", broken: "started !== null" }], sentences: ["power off node-a", "run 130 s", "power on node-a", "run 20 s", "operator stops node-a", "run 30 s", "power off node-b", "run 30 s"], finds: /^L2 .* no standby has been started for/ },
  { what: "a mark that is yet to come is not waited for", changes: [without("marksShown")], sentences: ["power on node-b", "run 20 s", "cut witness-1 - node-a", "cut witness-2 - node-a", "firewall of witness-1 drops its eip probes", "firewall of witness-2 drops its eip probes", "run 70 s", "instance of node-b is stopped", "run 10 s"], finds: /^S2 .* although node-a is serving callers/ },
  { what: "nothing is ever started", changes: [{ file: FILE, sound: "suspected && COLD_START_GATES", broken: "!suspected && COLD_START_GATES" }], sentences: ["power off node-a", "run 30 s"], finds: /^L2 .* no standby has been started for/ },
];

/** Each sentence at its time. */
function scriptOf(sentences: readonly string[]): Script {
  const acts: Act[] = [{ atMs: 20_000, kind: "say", sentence: "operator stops node-b" }];
  let atMs = 80_000;
  for (const sentence of [...sentences, "run 0 s"]) {
    const [, seconds] = /^run ([0-9]+) s$/.exec(sentence) ?? [];
    acts.push({ atMs, kind: "say", sentence: seconds === undefined ? sentence : "run 0 s" });
    atMs += Number(seconds ?? 0) * 1_000;
  }
  acts.push({ atMs, kind: "say", sentence: "run 0 s" });
  return { cluster: "cluster nodes=2 witnesses=2 holder=node-a seed=1 COLD_STANDBY=true", acts };
}

describe("a core that starts standbys wrongly", () => {
  it("is found out, and the sound one is not", { timeout: 300_000 }, async () => {
    const simulations = await simulatorsOf(DEFECTS.map(({ changes }) => changes));
    const missed = DEFECTS.flatMap(({ what, sentences, finds }, index) => {
      const script = scriptOf(sentences);
      const found = simulations[index]?.replay(script, 1).broken ?? [];
      assert.deepEqual(replay(script, 1).broken, [], what);
      return found.some((sentence) => finds.test(sentence)) ? [] : [`${what}: ${JSON.stringify(found)}`];
    });
    assert.deepEqual(missed, []);
  });
});
