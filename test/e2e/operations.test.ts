// What surrounds a failover: every metric arrives, no secret is anywhere, a restart changes nothing, pm2 does its part.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { METRIC_NAMES } from "../../agent/core/metrics.ts";
import { ADDRESS } from "../support/lab/addresses.ts";
import { labFetch } from "../support/lab/fetch.ts";
import { CLUSTER, type Pair } from "../support/lab/pair.ts";
import { callerSaw, staysOn, withPair } from "../support/lab/pair-checks.ts";
import { monotonicMs } from "../support/lab/clock.ts";
import { REPOSITORY } from "../support/lab/roots.ts";
import type { StoredDatum } from "../support/aws/json-services.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Every secret value of this pair, and the forms in which it could leak. */
function secretForms(pair: Pair): readonly string[] {
  const values = [pair.secret.ari_password, pair.secret.password, pair.secret.heartbeat_keys.k1];
  return values.flatMap((value) => [value, Buffer.from(value).toString("base64"), encodeURIComponent(value), Buffer.from(pair.secret.heartbeat_keys.k1, "base64").toString("hex")]);
}

function assertFreeOf(text: string, forms: readonly string[], where: string): void {
  for (const form of forms) assert.ok(!text.includes(form), `a secret is in ${where}`);
}

/** All files below a folder, as text. */
function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe("around a failover", () => {
  it("every metric arrives in CloudWatch with the dimensions of its node, and a steady node asks AWS for little", async () => {
    await withPair({ knobs: { METRICS_INTERVAL_MS: "5000" } }, async (pair) => {
      await pair.steady("node-a");
      const stored = await waitUntil("every metric of node-b", async () => {
        const all = (await pair.aws("metrics")) as StoredDatum[];
        const names = new Set(all.filter((datum) => JSON.stringify(datum).includes("node-b")).map((datum) => JSON.stringify(datum)).flatMap((text) => METRIC_NAMES.filter((name) => text.includes(`"${name}"`))));
        return METRIC_NAMES.filter((name) => !["ClaimDuration"].includes(name)).every((name) => names.has(name)) && all;
      }, 60_000);
      assert.ok(stored.every((datum) => JSON.stringify(datum).includes(`"${CLUSTER}"`)), "every datum carries the cluster");
      const before = ((await pair.aws("calls")) as { readonly action: string; readonly number: number }[]).at(-1)?.number ?? 0;
      const fromMs = monotonicMs();
      await waitUntil("30 steady seconds", () => monotonicMs() - fromMs > 30_000, 60_000);
      const calls = (await pair.aws("calls", before)) as { readonly action: string }[];
      const reads = calls.filter((call) => call.action === "DescribeAddresses").length;
      assert.ok(reads <= 2, `${reads} reads of the owner in half a minute by two steady nodes`);
      assert.equal(calls.filter((call) => call.action === "CreateTags").length, 0, "a steady cluster writes no marks");
    });
  });

  it("no secret is in a log, a status page, a process's arguments or environment, or what is kept on disk", async () => {
    await withPair({ knobs: { LOG_LEVEL: "debug", METRICS_INTERVAL_MS: "5000" } }, async (pair) => {
      await pair.steady("node-a");
      await pair.node("node-a").asterisk.kill();
      await waitUntil("the claim", async () => (await pair.claims()).length > 0, 30_000);
      const forms = secretForms(pair);
      for (const [name, node] of pair.nodes) {
        const log = node.agent?.log() ?? "";
        assert.ok(log.split("\n").length > 20, "the debug log says something");
        assertFreeOf(log, forms, `the log of ${name}`);
        for (const page of ["status", "metrics", "health"]) assertFreeOf((await labFetch(pair.lab, name, `http://127.0.0.1:8091/${page}`)).body, forms, `/${page} of ${name}`);
        for (const proc of ["environ", "cmdline"]) assertFreeOf(readFileSync(`/proc/${node.agent?.pid ?? 0}/${proc}`, "latin1"), forms, `/proc/…/${proc} of ${name}`);
      }
      for (const file of filesBelow(join(pair.lab.dir, "state"))) assertFreeOf(readFileSync(file, "latin1"), forms, file);
    });
  });

  it("a restart of either agent changes nothing for callers", async () => {
    await withPair({}, async (pair) => {
      await pair.steady("node-a");
      const atMs = monotonicMs();
      for (const name of ["node-a", "node-b"] as const) {
        const ended = await pair.node(name).agent?.end(10_000);
        assert.equal(ended?.code, 0, "it stops with exit code 0 when asked to");
        await pair.startAgent(name);
        await pair.steady("node-a");
      }
      await staysOn(pair, "node-a", 3_000);
      callerSaw(pair, atMs, 1_500);
    });
  });

  it("under pm2 it comes back after SIGKILL, stays stopped on a configuration error, and the dump holds no secret", async () => {
    await withPair({}, async (pair) => {
      await pair.steady("node-a");
      await pair.node("node-b").agent?.end(10_000);
      const home = join(pair.lab.dir, "pm2");
      await mkdir(home, { recursive: true });
      const pm2 = (...args: string[]): string => execFileSync("ip", ["netns", "exec", pair.lab.namespaceOf("node-b"), process.execPath, join(REPOSITORY, "node_modules/pm2/bin/pm2"), ...args], {
        cwd: REPOSITORY, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, PM2_HOME: home, AGENT_ENV_FILE: join(pair.lab.dir, "node-b.env"), AGENT_LOG_DIR: home },
      });
      interface Listed { readonly pid: number; readonly pm2_env: { readonly status: string; readonly restart_time: number } }
      const listed = (): Listed | undefined => (JSON.parse(pm2("jlist", "--silent").split("\n").findLast((line) => line.startsWith("[")) ?? "[]") as Listed[])[0];
      try {
        pm2("start", "ecosystem.config.js");
        await pair.steady("node-a");
        const first = listed();
        assert.ok(first !== undefined && first.pm2_env.status === "online");
        process.kill(first.pid, "SIGKILL");
        await waitUntil("another process of the agent", () => { const now = listed(); return now?.pm2_env.status === "online" && now.pid !== first.pid; }, 20_000);
        await pair.steady("node-a");
        pm2("save");
        assertFreeOf(readFileSync(join(home, "dump.pm2"), "utf8"), secretForms(pair), "pm2's dump");
        await writeFile(join(pair.lab.dir, "node-b.env"), "CLUSTER_ID=lab\n");
        pm2("restart", "ecosystem.config.js");
        await waitUntil("pm2 to leave it stopped", () => listed()?.pm2_env.status === "stopped", 30_000);
        const restarts = listed()?.pm2_env.restart_time;
        const fromMs = monotonicMs();
        await waitUntil("three seconds in which it could have been started again", () => monotonicMs() - fromMs > 3_000, 10_000);
        assert.equal(listed()?.pm2_env.status, "stopped");
        assert.equal(listed()?.pm2_env.restart_time, restarts, "pm2 started it again");
      } finally {
        pm2("kill");
      }
      assert.ok(existsSync(home), `${ADDRESS["node-b"]} had its own pm2`);
    });
  });
});
