// Faults that must not move the address (promise S2 and its neighbours), on the real thing.
import assert from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { monotonicMs } from "../support/lab/clock.ts";
import type { NodeName } from "../support/lab/addresses.ts";
import type { Pair } from "../support/lab/pair.ts";
import { callerSaw, holderOf, staysOn, withPair } from "../support/lab/pair-checks.ts";
import { REPOSITORY } from "../support/lab/roots.ts";
import { waitUntil } from "../support/wait-until.ts";

/** How long a wrong claim would have had time to come: several times the worst case. */
const LONG_ENOUGH_MS = 12_000;

async function sees(pair: Pair, name: NodeName, pattern: RegExp): Promise<void> {
  await waitUntil(`${name} to report ${String(pattern)}`, async () => (await pair.status(name)).conditions.some((condition) => pattern.test(`${condition.name} ${condition.sentence}`)), 30_000);
}

describe("the address stays when", () => {
  it("the link between the nodes is cut and all else is fine", async () => {
    await withPair({}, async (pair) => {
      await pair.steady("node-a");
      const atMs = monotonicMs();
      await pair.lab.cut("node-a", "node-b");
      await staysOn(pair, "node-a", LONG_ENOUGH_MS);
      callerSaw(pair, atMs, 1_500);
      await pair.lab.heal();
      await pair.steady("node-a");
    });
  });

  it("the active's agent is killed", async () => {
    await withPair({}, async (pair) => {
      await pair.steady("node-a");
      const atMs = monotonicMs();
      pair.node("node-a").agent?.kill("SIGKILL");
      await staysOn(pair, "node-a", LONG_ENOUGH_MS);
      callerSaw(pair, atMs, 1_500);
      await pair.startAgent("node-a");
      await pair.steady("node-a");
      assert.deepEqual(await pair.claims(), [], "its return claims nothing");
    });
  });

  for (const side of ["node-a", "node-b"] as const) {
    it(`the agent of ${side === "node-a" ? "the active" : "the standby"} is stopped for 10 s and continued`, async () => {
      await withPair({}, async (pair) => {
        await pair.steady("node-a");
        const atMs = monotonicMs();
        pair.node(side).agent?.kill("SIGSTOP");
        await staysOn(pair, "node-a", 10_000);
        pair.node(side).agent?.kill("SIGCONT");
        await staysOn(pair, "node-a", 5_000);
        await pair.steady("node-a");
        callerSaw(pair, atMs, 1_500);
      });
    });
  }

  it("20 % of the packets between the nodes are lost", async () => {
    await withPair({}, async (pair) => {
      await pair.steady("node-a");
      const atMs = monotonicMs();
      await pair.lab.loss("node-a", "node-b", 20);
      await staysOn(pair, "node-a", 20_000);
      callerSaw(pair, atMs, 1_500);
    });
  });

  it("the standby is cut off from everything but AWS", async () => {
    await withPair({}, async (pair) => {
      await pair.steady("node-a");
      const atMs = monotonicMs();
      await pair.lab.cutAllBut("node-b", ["aws", "reference"]);
      await staysOn(pair, "node-a", LONG_ENOUGH_MS);
      const cloud = (await pair.status("node-b")).votes?.cloud;
      assert.equal(cloud?.verdict, "up", `EC2 votes ${cloud?.verdict ?? "nothing"}: ${cloud?.reason ?? ""}`);
      callerSaw(pair, atMs, 1_500);
      await pair.lab.rejoin("node-b");
      await pair.steady("node-a");
    });
  });

  // Asterisk resets connections beyond its limit of HTTP sessions, the canary call's among them.
  it("an application on the active asks ARI hundreds of things at once and keeps its connections", async () => {
    await withPair({}, async (pair) => {
      await pair.steady("node-a");
      const rounds: string[] = [];
      await pair.lab.spawn("node-a", process.execPath, ["--import", "tsx", join(REPOSITORY, "test/support/reference-app/greedy-main.ts")], {
        name: "greedy",
        env: { ARI_USERNAME: "agent", ARI_PASSWORD: pair.secret.ari_password, CONNECTIONS: "400" },
        onLine: (line) => { if (line.startsWith("{")) rounds.push(line); },
      });
      await waitUntil("all connections to be open", () => rounds.length > 0, 60_000);
      const before = rounds.length;
      // At least one canary call falls into it.
      await staysOn(pair, "node-a", LONG_ENOUGH_MS);
      assert.ok(rounds.length > before, "the application is still there");
      assert.deepEqual([...new Set(rounds)], ['{"answered":400,"unanswered":0}']);
      assert.equal((await pair.status("node-a")).health?.serving, "serving");
    });
  });

  it("it sits on a stranger's instance", async () => {
    await withPair({ holder: "stranger" }, async (pair) => {
      await waitUntil("both standby", async () => (await pair.status("node-a")).role === "standby" && (await pair.status("node-b")).role === "standby", 40_000);
      await staysOn(pair, "stranger", LONG_ENOUGH_MS);
      await sees(pair, "node-a", /stranger|outside the cluster/i);
    });
  });

  it("both Asterisks are down, and both agents say so loudly", async () => {
    await withPair({}, async (pair) => {
      await pair.steady("node-a");
      await pair.node("node-b").asterisk.kill();
      await waitUntil("node-b to know", async () => (await pair.status("node-b")).health?.serving === "down", 20_000);
      await waitUntil("node-a to know", async () => (await pair.status("node-a")).members.some((member) => member.says?.serving === "down"), 20_000);
      await pair.node("node-a").asterisk.kill();
      await staysOn(pair, "node-a", LONG_ENOUGH_MS);
      for (const name of ["node-a", "node-b"] as const) {
        const loud = (await pair.status(name)).conditions.filter((condition) => condition.severity === "error");
        assert.ok(loud.length > 0, `${name} is silent about it`);
      }
      assert.equal(await holderOf(pair), "node-a");
    });
  });
});
