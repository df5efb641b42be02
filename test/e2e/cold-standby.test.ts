// A standby that is kept stopped, on the real thing: the active dies, the witness has EC2 start the standby, and that takes over.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NodeName } from "../support/lab/addresses.ts";
import { labFetch } from "../support/lab/fetch.ts";
import { instanceOf, openPair, type Pair } from "../support/lab/pair.ts";
import { movedTo } from "../support/lab/pair-checks.ts";
import { waitUntil } from "../support/wait-until.ts";
import type { CallRecord } from "../support/aws/aws-lab.ts";

/** The shortest that fits the other timing: here nobody has to wait for a minute of silence. */
const COLD_LOST_AFTER_MS = "6000";
const WITHIN_MS = 60_000;

async function turnOff(pair: Pair, name: NodeName): Promise<void> {
  await pair.lab.nodeGone(name);
  pair.node(name).agent?.kill("SIGKILL");
  await pair.node(name).asterisk.kill();
}

/** Every StartInstances that was no dry run, with the access key that made it. */
async function starts(pair: Pair): Promise<readonly CallRecord[]> {
  return ((await pair.aws("calls")) as CallRecord[]).filter(({ action, parameters }) => action === "StartInstances" && parameters["DryRun"] !== "true");
}

async function explain(pair: Pair): Promise<{ readonly sentence: string; readonly coldStart: { readonly passes: boolean } | null }> {
  return JSON.parse((await labFetch(pair.lab, "witness", "http://127.0.0.1:8091/explain", { timeoutMs: 2_000 })).body) as Awaited<ReturnType<typeof explain>>;
}

describe("a standby that is kept stopped", () => {
  it("is started by the witness when the active dies, not before, and takes over", { timeout: 180_000 }, async () => {
    const pair = await openPair({ witness: true, knobs: { COLD_LOST_AFTER_MS } });
    try {
      await pair.startWitness(pair.coldStandbyKnobs());
      for (const name of pair.nodes.keys()) await pair.startAgent(name);
      await pair.steady("node-a");
      await pair.aws("setInstance", instanceOf("node-b"), { state: "stopped" });
      await turnOff(pair, "node-b");
      await waitUntil("the witness to know that the standby is stopped", async () => /node-b is stopped/.test((await explain(pair)).sentence), 90_000);
      assert.deepEqual(await starts(pair), [], "nothing is started while the active serves");
      await turnOff(pair, "node-a");
      const [start] = await waitUntil("the witness to start the standby", async () => {
        const made = await starts(pair);
        return made.length > 0 && made;
      }, WITHIN_MS);
      assert.match(JSON.stringify(start?.parameters), /i-0nodeb/);
      assert.equal(start?.caller, "AKIALABWITNESS");
      await pair.aws("setInstance", instanceOf("node-b"), { state: "running" });
      await pair.lab.rejoin("node-b");
      await pair.node("node-b").asterisk.start();
      await pair.startAgent("node-b");
      await movedTo(pair, "node-b", WITHIN_MS);
      assert.deepEqual(pair.moves, ["node-b"]);
      assert.equal((await starts(pair)).length, 1, "it was started once");
      assert.match(pair.witness?.log() ?? "", /"standby-started".*node-a is lost: 1 of 1 observer/);
    } catch (error) {
      for (const log of [pair.witness?.log(), pair.nodes.get("node-b")?.agent?.log()]) process.stderr.write(`---\n${(log ?? "").split("\n").slice(-25).join("\n")}\n`);
      throw error;
    } finally {
      await pair.close();
    }
  });
});
