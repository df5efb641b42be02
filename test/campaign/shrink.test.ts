/** The shrinker, tried on a core that is broken on purpose: one of its gates stands open. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { simulatorOf, type Simulation } from "../mutation/broken-core.ts";
import { asScenario, shrink } from "../simulation/shrink.ts";
import { replay, type RunResult, type Script } from "../simulation/story.ts";

/** Claims although an operator has paused the cluster: nothing but a pause and a reason to claim is needed to see it. */
const GATE = { file: "gates.ts", sound: "passes: ({ state }) => !state.policy.pause.on", broken: "passes: () => true" };
/** What else forbids a claim in a pause: an invariant that ends the agent. */
const INVARIANT = { file: "invariants.ts", sound: "if (state.policy.pause.on && !forced) return", broken: "if (forced && !forced) return" };

function firstBroken({ runCampaign }: Simulation): RunResult {
  for (let seed = 2; seed <= 200; seed += 2) {
    const result = runCampaign(seed, 10);
    if (/^S2 .* claims while paused/.test(result.broken[0] ?? "")) return result;
  }
  throw new Error("no seed shows that the gate stands open");
}

describe("the shrinker", () => {
  it("finds the few faults that show a broken gate, the same ones each time", { timeout: 300_000 }, async () => {
    const simulation = await simulatorOf([GATE, INVARIANT]);
    const found = firstBroken(simulation);
    const shrunk = simulation.shrink(found);
    assert.ok(shrunk !== null && found.script !== null);
    assert.match(shrunk.broken, /claims while paused/);
    const sentences = asScenario(shrunk.script);
    assert.ok(shrunk.script.acts.length < found.script.acts.length, "nothing was left out");
    assert.ok(shrunk.script.acts.length <= 4, `still ${shrunk.script.acts.length} of ${found.script.acts.length} acts:\n${sentences.join("\n")}`);
    assert.ok(sentences.some((sentence) => sentence.startsWith("operator pauses")), sentences.join("\n"));
    assert.deepEqual(simulation.shrink(found), shrunk);
  });

  it("has nothing to shrink in a run that keeps its promises", () => {
    assert.equal(shrink({ ...replay({ cluster: "cluster nodes=2 witnesses=0 holder=node-a seed=3", acts: [] }, 3) }), null);
  });

  it("writes a script as the scenarios are written", () => {
    const script: Script = { cluster: "cluster nodes=2 witnesses=0 holder=node-a seed=5", acts: [{ atMs: 12_000, kind: "say", sentence: "asterisk of node-a crashes" }, { atMs: 15_500, kind: "heal" }] };
    assert.deepEqual(asScenario(script), ["cluster nodes=2 witnesses=0 holder=node-a seed=5", "start everything", "run 12000 ms", "asterisk of node-a crashes", "run 3500 ms", "# and everything is healed"]);
    const result = replay(script, 5);
    assert.deepEqual(result.broken, []);
    assert.ok(result.transcript.some((line) => line.includes("asks to be relieved")), result.transcript.join("\n"));
  });
});
