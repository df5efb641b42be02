// The table of the whole cluster, and what `nodectl watch` prints of it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { describe, it, type TestContext } from "node:test";
import { runCli } from "../../agent/cli/run.ts";
import { changes } from "../../agent/status/changes.ts";
import { clusterText } from "../../agent/status/cluster-text.ts";
import { makePrometheus } from "../../agent/status/prometheus.ts";
import type { StatusView } from "../../agent/status/schema.ts";
import { StatusServer } from "../../agent/status/server.ts";
import { statusView } from "../../agent/status/view.ts";
import { coreConfig, settledPair, SmallWorld } from "../support/small-world.ts";
import { waitUntil } from "../support/wait-until.ts";

const EXTRA = { worstCase: [{ what: "Asterisk crashes", ms: 600, how: "" }, { what: "the instance dies", ms: 1_850, how: "" }], refusals: {} };

function viewOf(world: SmallWorld, node = "node-b"): StatusView {
  return statusView(world.state(node), world.config(node), EXTRA);
}

function text(view: StatusView): string {
  const lines = clusterText(view);
  assert.deepEqual(lines.filter((line) => line.length > 80), []);
  return lines.join("\n");
}

describe("the cluster's table", () => {
  it("has a row for each member with its reason, and a footer with what limits claims", () => {
    const world = new SmallWorld([coreConfig("node-a", { witnesses: ["w1"] }), coreConfig("node-b", { witnesses: ["w1"] }), coreConfig("w1")]);
    world.run(20_000);
    const [title, , head, ...rest] = text(viewOf(world)).split("\n");
    assert.equal(title, "test, 203.0.113.10, as node-b (*) sees it at 2026-11-20 12:00:20Z");
    assert.match(head ?? "", /^NODE +ZONE +ROLE +ADDRESS +SERVING +CALLS +HEARD +AGENT +ASTERISK$/);
    assert.match(rest[0] ?? "", /^node-a +- +active +holds +serving +3 +\d+ ms +0\.1\.0 +\S+$/);
    assert.match(rest[1] ?? "", /^ {2}Takes calls: ARI, SIP/);
    assert.match(rest[2] ?? "", /^node-b \* +- +standby +- +serving +3 +- +0\.1\.0 +\S+$/);
    assert.match(rest[4] ?? "", /^w1 +- +witness +- +- +- +\d+ ms +0\.1\.0 +-$/);
    assert.match(rest[5] ?? "", /^ {2}It sees node-a up \(heartbeat up, sip up, eip up\)\.$/);
    const footer = rest.join("\n");
    for (const line of [/^address +203\.0\.113\.10 on node-a; EC2 was read/m, /^paused +no$/m, /^blocked +no$/m, /^hold-down +no$/m, /^worst case 1\.9 s until the claim is sent \(the instance dies\); Asterisk crashes/m, /^last move +none known$/m, /^waits for +Nothing: it is ready/m]) assert.match(footer, line);
  });

  it("marks what a silent member last said as old, and says since when it is silent", () => {
    const world = settledPair();
    Object.assign(world.machine("node-a"), { agent: false });
    world.run(12_000);
    const shown = text(viewOf(world));
    assert.match(shown, /^node-a +- +active\? +holds +serving\? +3\? +12 s /m);
    assert.match(shown, /^ {2}SILENT for 12 s\. Its last word: Takes calls/m);
    assert.match(shown, /^ERROR +peer-agent-silent: /m);
  });

  it("shows pause, hold-down, block, drain and the last move with its sentence", () => {
    const world = settledPair();
    world.command("node-a", { kind: "pause", reason: "work on the network", forMs: 7_200_000 });
    world.command("node-a", { kind: "drain", reason: "new kernel", forMs: 600_000 });
    world.run(1_000);
    const paused = text(viewOf(world));
    assert.match(paused, /^paused +YES, on node-a, for 2 h 0 min more|^paused +YES, on node-a, for 120 min more/m);
    assert.match(paused, /work on the network/);
    assert.match(paused, /It\s+refuses new calls \(drain\)/);
    world.command("node-a", { kind: "resume" });
    world.command("node-a", { kind: "undrain" });
    world.run(1_000);
    world.kill("node-a");
    world.run(8_000);
    const moved = text(viewOf(world));
    assert.match(moved, /^hold-down +YES, for \d+ s/m);
    assert.match(moved, /^last move +2026-11-20 12:00:\d\dZ node-a -> node-b: node-a is gone: 1 of 1/m);
    const view = viewOf(world);
    assert.match(text({ ...view, policy: { ...view.policy, blocked: true, claimsLastHour: 6 } }), /^blocked +YES: node-b \(6 of 6 claims here in the last hour\)/m);
  });

  it("fits 80 columns with the longest names, zones and versions that there can be, and lets nobody write on the terminal", () => {
    const view = viewOf(settledPair());
    const [member] = view.members;
    assert.ok(member !== undefined && member.says !== null);
    const long = { ...view, node: "n".repeat(32), zone: "ap-northeast-1-wl1-nrt-wlz-1", asterisk: "22.11.0~dfsg+~cs6.13", software: "10.20.30-beta.1", members: [{ ...member, id: "m".repeat(32), says: { ...member.says, zone: "ap-northeast-1a", asterisk: "GIT-22-0123456789abcdef", servingReason: "red \u001b[31m\nline\u202e" } }] };
    const shown = text(long);
    assert.ok(!/[\u001b\u202e]/.test(shown));
    assert.match(shown, /^mmm+… /m);
  });
});

describe("what has changed", () => {
  it("is told once for each thing, with what it was, and is nothing while only ages differ", () => {
    const world = settledPair();
    const before = viewOf(world);
    world.run(3_000);
    assert.deepEqual(changes(before, viewOf(world)), []);
    world.kill("node-a");
    world.run(10_000);
    const told = changes(before, viewOf(world)).map((line) => line.slice(line.indexOf(" ") + 1));
    for (const expected of [/^address: node-a -> node-b$/, /^node-b is: standby -> active$/, /^node-a is: active -> silent \(last seen as active\)$/, /^last move: none -> node-a -> node-b at /, /^hold-down: no -> yes$/]) assert.ok(told.some((line) => expected.test(line)), `${String(expected)} in\n${told.join("\n")}`);
  });
});

async function serve(test: TestContext, world: SmallWorld): Promise<string> {
  const config = world.config("node-b");
  const server = new StatusServer({ listen: { host: "127.0.0.1", port: 0 }, config, clock: { monotonicMs: () => world.nowMs }, state: () => world.state("node-b"), extra: () => EXTRA, prometheus: makePrometheus(config), onDefect: (error) => { throw error; } });
  const { port } = await server.start();
  test.after(() => server.close());
  return `http://127.0.0.1:${port}`;
}

/** Runs watch until the test aborts it. */
function watching(url: string, live: boolean): { readonly out: string[]; readonly stop: () => void; readonly ended: Promise<number> } {
  const out: string[] = [];
  const interrupted = new AbortController();
  const ended = runCli(["watch", "--url", url], { out: (line) => out.push(line), err: (line) => out.push(line), colour: false, width: 80, env: {}, live, untilInterrupted: () => interrupted.signal });
  return { out, stop: () => { interrupted.abort(); }, ended };
}

describe("nodectl watch", () => {
  it("prints the cluster and then only what changes, where there is no terminal, and ends when it is interrupted", async (test) => {
    const world = settledPair();
    const { out, stop, ended } = watching(await serve(test, world), false);
    await waitUntil("the table", () => out.length > 5, 10_000);
    const before = out.length;
    world.kill("node-a");
    world.run(10_000);
    await waitUntil("the change", () => out.some((line) => line.endsWith("address: node-a -> node-b")), 10_000);
    stop();
    assert.equal(await ended, 0);
    assert.ok(out.length > before);
    assert.equal(out.filter((line) => line.startsWith("NODE ")).length, 1);
  });

  it("redraws the screen where there is one, and shows an agent that does not answer until it does", async (test) => {
    const world = settledPair();
    const url = await serve(test, world);
    const shown = watching(url, true);
    await waitUntil("two drawings", () => shown.out.length >= 2, 10_000);
    shown.stop();
    assert.equal(await shown.ended, 0);
    for (const drawing of shown.out) assert.ok(drawing.startsWith("\u001b[H\u001b[J") && drawing.includes("\nNODE "));
    const silent = watching("http://127.0.0.1:1", false);
    await waitUntil("the failure", () => silent.out.some((line) => line.startsWith("No agent answers")), 10_000);
    silent.stop();
    assert.equal(await silent.ended, 0);
    assert.equal(silent.out.length, 1);
  });

  it("ends with 0 at Ctrl-C as a real command", async (test) => {
    const url = await serve(test, settledPair());
    const child = spawn(process.execPath, ["--import", "tsx", "agent/cli.ts", "watch", "--url", url], { stdio: ["ignore", "pipe", "inherit"] });
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => { out += part; });
    const exit = new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) => { child.once("exit", (code, signal) => { resolve([code, signal]); }); });
    await waitUntil("the table", () => out.includes("waits for"), 20_000);
    child.kill("SIGINT");
    assert.deepEqual(await exit, [0, null]);
  });

  it("refuses an interval that is none, as wrong usage", async () => {
    for (const every of ["fast", "0s"]) assert.equal(await runCli(["watch", "--every", every], { out: () => undefined, err: () => undefined, colour: false, width: 80, env: {} }), 2);
  });
});
