// The history of moves: what is written when the address changes hands, kept over restarts, bounded, and told by nodectl.
import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { FileHistory, HISTORY_FILE, readHistory } from "../../agent/adapters/file-history.ts";
import { runCli } from "../../agent/cli/run.ts";
import type { ClaimDetails, MoveRecord } from "../../agent/core/moves.ts";
import { AgentError } from "../../agent/errors.ts";
import { makeHistoryBook, type HistoryBook } from "../../agent/history-book.ts";
import { openLog } from "../../agent/log.ts";
import { coreConfig, settledPair, type SmallWorld } from "../support/small-world.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

interface Kept {
  readonly book: HistoryBook;
  readonly log: string[];
  readonly saved: () => readonly MoveRecord[];
  /** Set to let saving fail. */
  readonly disk: { full: boolean };
}

/** Keeps the history of one node of a small world in memory. */
async function keep(world: SmallWorld, node: string, before: readonly MoveRecord[] = [], most = 500): Promise<Kept> {
  const log: string[] = [];
  const disk = { full: false };
  let saved = before;
  const book = makeHistoryBook({
    config: coreConfig(node), keep: most,
    log: openLog({ level: "info", clusterId: "test", nodeId: node, clock: { monotonicMs: () => 0, wallMs: () => 0 }, to: { write: (line) => { log.push(line); } } }),
    history: {
      load: () => Promise.resolve(saved),
      save: (moves) => {
        if (disk.full) return Promise.reject(new AgentError("AGENT_STATE_UNWRITABLE", "no space left"));
        saved = moves;
        return Promise.resolve();
      },
    },
  });
  await book.open();
  world.observe(node, book.observe);
  return { book, log, disk, saved: () => saved };
}

function die(world: SmallWorld, node: string): void {
  world.kill(node);
}

const settled = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

/** What the node that has claimed knows, and writes on the address for the others. */
const DETAILS: ClaimDetails = { cause: "quorum", verdicts: [{ observer: "node-b", verdict: "down", heartbeat: "down", sip: "down", eip: "unknown" }], cloud: "unknown", stages: { suspicionMs: 1_002, decisionMs: 0, claimMs: 308, confirmMs: null }, dropped: 4 };

function fail(): never {
  throw new Error("no move was saved");
}

describe("the history of moves", () => {
  it("records a move that this node made: why, on whose word, and how long each stage took", async () => {
    const world = settledPair();
    const { saved } = await keep(world, "node-b");
    die(world, "node-a");
    world.run(10_000);
    const [move, ...more] = saved();
    assert.deepEqual(more, []);
    assert.ok(move !== undefined);
    assert.deepEqual([move.from, move.to, move.cause], ["node-a", "node-b", "quorum"]);
    assert.match(move.reason, /^node-a is gone: 1 of 1 observer\(s\) see it down/);
    assert.deepEqual(move.verdicts, [{ observer: "node-b", verdict: "down", heartbeat: "down", sip: "down", eip: "down" }]);
    assert.equal(move.cloud, "unknown");
    const { suspicionMs, decisionMs, claimMs, confirmMs } = move.stages;
    assert.ok(suspicionMs !== null && suspicionMs >= 800 && suspicionMs < 2_000, `suspicion ${suspicionMs ?? "none"}`);
    assert.equal(decisionMs, 0);
    assert.ok(claimMs !== null && confirmMs !== null && claimMs + confirmMs > 0);
    assert.equal(move.dropped, 0);
  });

  it("records on the other node a move that it has only seen", async () => {
    const world = settledPair();
    const { saved } = await keep(world, "node-a");
    world.holder = { kind: "node", node: "node-b" };
    world.run(70_000);
    assert.deepEqual(saved().map(({ from, to, cause, reason, verdicts, dropped }) => ({ from, to, cause, reason, verdicts, dropped })), [{ from: "node-a", to: "node-b", cause: "seen", reason: "seen on EC2", verdicts: [], dropped: null }]);
  });

  it("learns the reason of such a move from what its maker wrote on the address", async () => {
    const world = settledPair();
    const { saved } = await keep(world, "node-a");
    world.holder = { kind: "node", node: "node-b" };
    world.run(70_000);
    world.lastClaim = { claimedBy: "node-b", claimedAtWallMs: world.wallMs, reason: "node-a asks to be relieved" };
    world.run(70_000);
    assert.deepEqual(saved().map(({ reason }) => reason), ["node-b wrote on the address: node-a asks to be relieved"]);
    assert.equal(world.state("node-a").policy.moves.at(-1)?.reason, "node-b wrote on the address: node-a asks to be relieved");
  });

  it("learns who saw what, how long it took and what was cut from what its maker wrote on the address", async () => {
    const world = settledPair();
    const { saved } = await keep(world, "node-a");
    world.holder = { kind: "node", node: "node-b" };
    world.run(70_000);
    world.lastClaim = { claimedBy: "node-b", claimedAtWallMs: world.wallMs, reason: "node-a asks to be relieved", details: DETAILS };
    world.run(70_000);
    assert.equal(saved().length, 1);
    const { cause, verdicts, cloud, stages, dropped, reason } = saved()[0] ?? fail();
    assert.deepEqual({ cause, verdicts, cloud, stages, dropped }, DETAILS);
    assert.equal(reason, "node-b wrote on the address: node-a asks to be relieved");
  });

  it("learns the same, and when it was, of a move that happened while no agent looked", async () => {
    const world = settledPair();
    const old: MoveRecord = { atWallMs: 1, from: "node-a", to: "node-b", cause: "seen", reason: "seen on EC2", verdicts: [], cloud: null, stages: { suspicionMs: null, decisionMs: null, claimMs: null, confirmMs: null }, dropped: null };
    const { saved } = await keep(world, "node-b", [old]);
    const claimedAtWallMs = world.wallMs - 7_200_000;
    world.lastClaim = { claimedBy: "node-a", claimedAtWallMs, reason: "node-b is gone", details: DETAILS };
    world.restart("node-b");
    world.run(70_000);
    const { atWallMs, from, to, cause, reason, dropped } = saved().at(-1) ?? fail();
    assert.deepEqual({ atWallMs, from, to, cause, reason, dropped }, { atWallMs: claimedAtWallMs, from: "node-b", to: "node-a", cause: "quorum", reason: "node-a wrote on the address: node-b is gone", dropped: 4 });
  });

  it("does not take the tags of another move for this one's", async () => {
    const world = settledPair();
    world.lastClaim = { claimedBy: "node-b", claimedAtWallMs: world.wallMs - 3_600_000, reason: "long ago", details: DETAILS };
    const { saved } = await keep(world, "node-a");
    world.holder = { kind: "node", node: "node-b" };
    world.run(200_000);
    assert.deepEqual(saved().map(({ reason }) => reason), ["seen on EC2"]);
  });

  it("notices after a start that the address moved while no agent looked", async () => {
    const world = settledPair();
    const old: MoveRecord = { atWallMs: 1, from: "node-a", to: "node-b", cause: "seen", reason: "seen on EC2", verdicts: [], cloud: null, stages: { suspicionMs: null, decisionMs: null, claimMs: null, confirmMs: null }, dropped: null };
    const { saved } = await keep(world, "node-b", [old]);
    world.restart("node-b");
    world.run(5_000);
    assert.deepEqual(saved().map(({ from, to, reason }) => [from, to, reason]), [["node-a", "node-b", "seen on EC2"], ["node-b", "node-a", "It moved while this agent was not running."]]);
  });

  it("keeps so many and no more, the newest", async () => {
    const world = settledPair();
    const { saved } = await keep(world, "node-b", [], 2);
    for (const node of ["node-b", "node-a", "node-b", "node-a"] as const) {
      world.holder = { kind: "node", node };
      world.run(70_000);
    }
    assert.deepEqual(saved().map(({ to }) => to), ["node-b", "node-a"]);
  });

  it("says loudly that it can't be written, and writes it when it can", async () => {
    const world = settledPair();
    const { saved, disk, log } = await keep(world, "node-b");
    disk.full = true;
    world.holder = { kind: "node", node: "node-b" };
    world.run(70_000);
    await settled();
    assert.deepEqual(saved(), []);
    assert.match(log.join("\n"), /"event":"history-unwritten".*no space left/);
    disk.full = false;
    world.run(61_000);
    await settled();
    assert.deepEqual(saved().map(({ to }) => to), ["node-b"]);
  });
});

const MOVE: MoveRecord = {
  atWallMs: Date.UTC(2026, 10, 20, 3, 12, 5), from: "node-a", to: "node-b", cause: "quorum", reason: "node-a is gone: 1 of 1 observer(s) see it down on every channel, suspected for 1204 ms.",
  verdicts: [{ observer: "node-b", verdict: "down", heartbeat: "down", sip: "down", eip: "down" }], cloud: "unknown", stages: { suspicionMs: 1_204, decisionMs: 0, claimMs: 310, confirmMs: 520 }, dropped: 7,
};

async function folder(test: TestContext): Promise<string> {
  const made = await temporaryFolder();
  test.after(() => made.remove());
  return made.path;
}

async function history(...args: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(["history", ...args], { out: (line) => out.push(line), err: (line) => err.push(line), colour: false, width: 80, env: {} });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

describe("the file of the history", () => {
  it("brings back what was written, is for the owner and the group, and leaves nothing beside it", async (test) => {
    const path = join(await folder(test), HISTORY_FILE);
    const file = new FileHistory(path);
    assert.deepEqual(await file.load(), []);
    await Promise.all([file.save([MOVE]), file.save([MOVE, MOVE])]);
    assert.deepEqual(await new FileHistory(path).load(), [MOVE, MOVE]);
    assert.equal((await stat(path)).mode & 0o777, 0o640);
  });

  it("is set aside when it is damaged, with an error that says where", async (test) => {
    const path = join(await folder(test), HISTORY_FILE);
    for (const text of ["{", "[]", '{"version":2,"moves":[]}', JSON.stringify({ version: 1, moves: [{ ...MOVE, cause: "magic" }] })]) {
      await writeFile(path, text);
      await assert.rejects(new FileHistory(path).load(), (error) => error instanceof AgentError && error.code === "AGENT_STATE_UNREADABLE" && error.message.includes(`${path}.damaged`));
      assert.equal(await readFile(`${path}.damaged`, "utf8"), text);
      assert.deepEqual(await readHistory(path), []);
    }
  });
});

describe("nodectl history", () => {
  it("tells the newest first, in 80 columns, with everything that is known", async (test) => {
    const state = await folder(test);
    const seen: MoveRecord = { ...MOVE, atWallMs: MOVE.atWallMs + 60_000, from: "node-b", to: "node-a", cause: "seen", reason: "seen on EC2", verdicts: [], cloud: null, stages: { suspicionMs: null, decisionMs: null, claimMs: null, confirmMs: null }, dropped: null };
    await new FileHistory(join(state, HISTORY_FILE)).save([MOVE, seen]);
    const { code, out } = await history("--state-dir", state);
    assert.equal(code, 0);
    assert.deepEqual(out.split("\n"), [
      "2026-11-20 03:13:05Z  node-b -> node-a  not made by this node",
      "  seen on EC2",
      "",
      "2026-11-20 03:12:05Z  node-a -> node-b  by quorum",
      "  node-a is gone: 1 of 1 observer(s) see it down on every channel, suspected for",
      "  1204 ms.",
      "  verdicts: node-b down (heartbeat down, sip down, eip down); EC2 unknown",
      "  stages: suspicion 1.2 s, decision 0 ms, EC2's answer 310 ms, confirmed 520 ms;",
      "  2.0 s in all",
      "  dropped calls: 7",
    ]);
    const { out: json } = await history("--state-dir", state, "--json");
    assert.deepEqual((JSON.parse(json) as { readonly at: string; readonly to: string }[]).map(({ at, to }) => [at, to]), [["2026-11-20T03:12:05.000Z", "node-b"], ["2026-11-20T03:13:05.000Z", "node-a"]]);
    assert.match((await history("--state-dir", state, "--last", "1")).out, /1 older: --last all$/);
  });

  it("says so when nothing has ever moved, and fails on a damaged file without touching it", async (test) => {
    const state = await folder(test);
    assert.match((await history("--state-dir", state)).out, /^No move is known/);
    await writeFile(join(state, HISTORY_FILE), "{");
    const { code, err } = await history("--state-dir", state);
    assert.deepEqual([code, await readFile(join(state, HISTORY_FILE), "utf8")], [1, "{"]);
    assert.match(err, /is damaged/);
    assert.equal((await history("--state-dir", state, "--last", "none")).code, 2);
  });
});
