// Every command that README.md and RUNBOOK.md want typed on a node, typed on a node: a real pair in the lab, in the order of the pages;
// what only looks, once. Commands in sentences follow. Each must end with the exit code of success.
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { NodeName } from "../support/lab/addresses.ts";
import { blocks, hasGap, inline, type Block } from "../support/documented-commands.ts";
import { openPair, type Pair } from "../support/lab/pair.ts";
import { holderOf } from "../support/lab/pair-checks.ts";
import { REPOSITORY } from "../support/lab/roots.ts";
import { waitUntil } from "../support/wait-until.ts";

/** They go on until they are interrupted. */
const ENDLESS = /^nodectl watch/;

/** What changes nothing: once typed, it need not be typed again. */
const LOOKS = /^(?:nodectl (?:status|explain|history|doctor)|asterisk|pm2 (?:status|logs)|cat|grep|df)\b/;

/** What moves the address. */
const MOVES = /nodectl (?:switchover|takeover|drill)(?! --(?:dry-run|schedule))/;

/** A node's own PATH: nodectl, pm2 and asterisk as the image has them. */
async function toolsOf(pair: Pair, name: NodeName): Promise<string> {
  const bin = join(pair.lab.dir, `tools-${name}`);
  await mkdir(bin, { recursive: true });
  const tool = (tool: string, line: string): Promise<void> => writeFile(join(bin, tool), `#!/bin/sh\n${line} "$@"\n`, { mode: 0o755 });
  await tool("nodectl", `AGENT_ENV_FILE=${join(pair.lab.dir, `${name}.env`)} exec ${process.execPath} --no-warnings ${join(REPOSITORY, "dist", "nodectl.js")}`);
  await tool("pm2", `PM2_HOME=${join(pair.lab.dir, `pm2-${name}`)} PM2_DISCRETE_MODE=true PM2_DISABLE_VERSION_CHECK=true exec ${process.execPath} ${join(REPOSITORY, "node_modules", "pm2", "bin", "pm2")}`);
  return `${bin}:${pair.node(name).asterisk.binDir}:${process.env["PATH"] ?? ""}`;
}

describe("what README.md and RUNBOOK.md say to type on a node", { timeout: 400_000 }, () => {
  let pair: Pair;
  const paths = new Map<NodeName, string>();
  const typed = new Set<string>();
  before(async () => {
    pair = await openPair({ knobs: { DRY_RUN_INTERVAL_MS: "5000", HOLD_DOWN_MS: "1000", CLAIMS_PER_HOUR: "100" } });
    await Promise.all([pair.startAgent("node-a"), pair.startAgent("node-b")]);
    for (const name of ["node-a", "node-b"] as const) paths.set(name, await toolsOf(pair, name));
    // What pm2 runs here has the agent's name only; the agent itself runs beside it, so that restarting costs this test nothing.
    const idle = join(pair.lab.dir, "idle.cjs");
    await writeFile(idle, "setInterval(() => undefined, 1000);\n");
    for (const name of ["node-a", "node-b"] as const) await type(name, `pm2 start ${idle} --name asterisk-node-agent`);
    await ready();
  });
  after(async () => {
    for (const name of ["node-a", "node-b"] as const) await type(name, "pm2 kill");
    await pair.close();
  });

  const ready = async (): Promise<void> => {
    await pair.steady(null);
    await waitUntil("both to take calls (who has handed over refuses them a little longer) and to have proven that they may claim", async () => (await Promise.all([pair.status("node-a"), pair.status("node-b")])).every(({ ready: may, draining }) => may.claim === true && draining === null), 30_000);
  };

  async function type(name: NodeName, text: string): Promise<string> {
    const script = `export PATH=${paths.get(name) ?? ""} NO_COLOR=1\n${text}`;
    const { stdout } = await pair.lab.run(name, "bash", ["-ec", script], { timeoutMs: 120_000 });
    return stdout;
  }

  /** Who types it: whoever takes the address over does not hold it. */
  async function nodeFor(text: string): Promise<NodeName> {
    const holder = await holderOf(pair);
    return /nodectl (?:takeover|drain)/.test(text) === (holder === "node-a") ? "node-b" : "node-a";
  }

  async function run(text: string): Promise<void> {
    const fresh = text.split("\n").filter((line) => !typed.has(line) || !LOOKS.test(line));
    const moves = MOVES.test(fresh.join("\n"));
    if (moves) await ready();
    const lines = fresh.map((line) => (ENDLESS.test(line) ? `timeout --preserve-status --signal=INT 3 ${line}` : line));
    await type(await nodeFor(text), lines.join("\n"));
    for (const line of text.split("\n")) typed.add(line);
    if (moves) await ready();
  }

  const onNode = blocks().filter(({ mark }) => mark === "on-node");
  /** What was typed before is not typed again. */
  const untyped = ({ text }: Block): boolean => text.split("\n").some((line) => !typed.has(line));

  it("works in the blocks of both pages", async (test) => {
    for (const block of onNode) if (untyped(block)) await test.test(`${block.at}: ${block.text.split("\n").join("; ")}`, () => run(block.text));
    assert.ok(typed.size > 20);
  });

  it("leaves the report of the game day, which measured what a caller saw", async () => {
    const reports = (await Promise.all((["node-a", "node-b"] as const).map(async (name) => {
      const folder = join(pair.lab.dir, "state", name, "drills");
      return Promise.all((await readdir(folder).catch(() => [])).filter((file) => file.endsWith(".md")).map((file) => readFile(join(folder, file), "utf8")));
    }))).flat();
    const held = reports.filter((text) => text.includes("switchover there and back"));
    assert.equal(held.length, 1);
    const [report = ""] = held;
    assert.match(report, /^# Drill \d{8}T\d{6}Z: PASSED$/m);
    assert.equal(report.match(/^\| NO \|/gm), null);
    const measured = (what: string): readonly number[] => [...report.matchAll(new RegExp(`^\\| ${what}, at the longest \\| ([\\d.]+) s \\|$`, "gm"))].map((found) => Number(found[1]));
    assert.deepEqual([measured("silence").length, measured("new calls refused").length], [2, 2]);
    // Who drains answers 503 until the packets follow, which takes a second here: a drill that saw less has not measured it.
    for (const refused of measured("new calls refused")) assert.ok(refused >= 0.5, `${refused} s`);
    for (const silence of measured("silence")) assert.ok(silence < 5, `${silence} s`);
    assert.equal([...report.matchAll(/^- \S+ node-[ab] -> node-[ab], /gm)].length, 2, "both moves are recorded");
  });

  it("works in their sentences", async (test) => {
    // The fleet is not a matter of one node (fleet-moto.test.ts), and calls are the Stasis app's, which these nodes do not run.
    const shown = inline().filter(({ command }) => /^(?:nodectl(?! fleet| calls)|eval|asterisk|pm2) ./.test(command) && !hasGap(command));
    assert.ok(shown.length > 8);
    for (const { at, command } of shown) {
      if (typed.has(command)) continue;
      await test.test(`${at}: ${command}`, async () => {
        // Nobody is here to be asked; and what a sentence only names in passing must not stand in the way of the next one.
        const whole = command === "nodectl takeover" ? `${command} --force` : command;
        await run(MOVES.test(whole) && !whole.includes("--yes") ? `${whole} --yes` : whole);
        for (const name of ["node-a", "node-b"] as const) await type(name, "nodectl undrain && nodectl resume");
      });
    }
  });
});
