// The demo as a stranger runs it: `npm run demo`, by its output, its exit code and what it leaves behind.
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { REPOSITORY } from "../support/lab/roots.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Everything of the demo runs with a folder in here as its folder for temporary files. */
const FOLDER = mkdtempSync(join(tmpdir(), "demo-test-"));
/** A busy machine needs long to be steady; the demo itself gives up before this (ms). */
const RUN_WITHIN_MS = 150_000;

interface Run {
  readonly child: ChildProcess;
  readonly text: () => string;
  readonly ended: Promise<number | null>;
}

function start(...args: readonly string[]): Run {
  // A group of its own, so that it can be interrupted as a terminal does it.
  const child = spawn("npm", ["run", "--silent", "demo", "--", ...args], { cwd: REPOSITORY, env: { ...process.env, TMPDIR: FOLDER, AWS_PROFILE: "somebody-elses", AWS_ENDPOINT_URL: "http://127.0.0.1:1" }, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (text += String(data)));
  return { child, text: () => text, ended: once(child, "close").then(([code]) => code as number | null) };
}

/** Processes whose environment or command line names the folder: they are the demo's. */
function survivors(): string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid).filter((pid) => {
    try {
      return ["environ", "cmdline"].some((file) => readFileSync(`/proc/${pid}/${file}`, "latin1").includes(`${FOLDER}/node-agent-demo-`));
    } catch {
      return false; // It has ended.
    }
  });
}

async function nothingIsLeft(): Promise<void> {
  await waitUntil("every process of the demo to be gone", () => survivors().length === 0, 20_000);
  await waitUntil("the demo's folder to be gone", () => readdirSync(FOLDER).length === 0, 20_000);
}

describe("npm run demo", () => {
  after(() => {
    rmSync(FOLDER, { recursive: true, force: true });
  });

  for (const { fault, shows } of [
    { fault: "death", shows: [/node-b {3}CLAIMS: node-a is gone/, /ms without an answer/, /is answered again, by node-b/, /PROMISES HELD: one move/] },
    { fault: "partition", shows: [/writes an alive mark/, /alarm nodes-cut-apart/, /the caller was not interrupted/, /PROMISES HELD: nothing moved/] },
  ]) {
    it(`shows what a ${fault} does, in 80 plain columns, and leaves nothing behind`, { timeout: RUN_WITHIN_MS }, async () => {
      const run = start("--fault", fault, "--stand-in");
      const code = await run.ended;
      assert.equal(code, 0, run.text());
      for (const pattern of shows) assert.match(run.text(), pattern);
      assert.doesNotMatch(run.text(), /\u001b/, "no colour where there is no terminal");
      for (const line of run.text().split("\n")) assert.ok(line.length <= 80 || line.startsWith("npm "), `${line.length} columns: ${line}`);
      await nothingIsLeft();
    });
  }

  it("says how it is used, and refuses a fault that it does not know", async () => {
    const help = start("--help");
    assert.equal(await help.ended, 0);
    assert.match(help.text(), /--fault NAME[^]*agent-death/);
    const wrong = start("--fault", "nonsense");
    assert.equal(await wrong.ended, 2);
    assert.match(wrong.text(), /There is no fault "nonsense"[^]*Usage: /);
  });

  it("ends everything when it is interrupted", { timeout: RUN_WITHIN_MS }, async () => {
    const run = start("--stand-in");
    await waitUntil("the demo to start its processes", () => survivors().length >= 6, 60_000);
    process.kill(-(run.child.pid ?? 0), "SIGINT");
    // npm dies of the signal itself, and has no exit code then.
    assert.ok([null, 130].includes(await run.ended), run.text());
    assert.match(run.text(), /Interrupted/);
    await nothingIsLeft();
  });

  it("leaves nothing behind when it is killed", { timeout: RUN_WITHIN_MS }, async () => {
    const run = start("--stand-in", "--fault", "hang");
    await waitUntil("the demo to start its processes", () => survivors().length >= 6, 60_000);
    process.kill(-(run.child.pid ?? 0), "SIGKILL");
    await run.ended;
    await nothingIsLeft();
  });
});
