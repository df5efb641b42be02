// The ledger of dropped calls on the disk: one file a failover, for the agent alone, and no longer than it may be kept.
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { FileLedger } from "../../agent/adapters/file-ledger.ts";
import type { DroppedCalls } from "../../agent/core/types.ts";
import { AgentError } from "../../agent/errors.ts";
import { keepLedger } from "../../agent/ledger-keeper.ts";
import { openLog } from "../../agent/log.ts";
import { rejectsWith } from "../support/rejects-with.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

const DAY_MS = 86_400_000;
const DEATH_MS = Date.parse("2026-11-21T03:00:00.000Z");

const droppedAt = (atWallMs: number): DroppedCalls => ({ from: "node-a", atWallMs, reason: "node-a is gone.", calls: [{ id: "1", party: "+49301234567", sinceWallMs: atWallMs - 60_000 }] });

async function ledgerAt(context: TestContext, clock: { wallMs: number }): Promise<{ readonly ledger: FileLedger; readonly folder: string }> {
  const temporary = await temporaryFolder();
  context.after(() => temporary.remove());
  const folder = join(temporary.path, "ledger");
  return { folder, ledger: new FileLedger({ folder, keepDays: 30, wallMs: () => clock.wallMs }) };
}

describe("the ledger of dropped calls", () => {
  it("names who was cut off, in a file that only the agent may read, whatever the umask", async (context) => {
    const { ledger, folder } = await ledgerAt(context, { wallMs: DEATH_MS });
    const umask = process.umask(0);
    context.after(() => { process.umask(umask); });
    await ledger.record(droppedAt(DEATH_MS));
    await ledger.record(droppedAt(DEATH_MS));
    assert.deepEqual(await readdir(folder), ["2026-11-21T03-00-00.000Z-node-a.json"], "recorded twice is one file, and nothing is left beside it");
    const file = join(folder, "2026-11-21T03-00-00.000Z-node-a.json");
    assert.deepEqual([(await stat(file)).mode & 0o777, (await stat(folder)).mode & 0o777], [0o600, 0o700]);
    assert.deepEqual(JSON.parse(await readFile(file, "utf8")), { from: "node-a", at: "2026-11-21T03:00:00.000Z", reason: "node-a is gone.", calls: [{ id: "1", party: "+49301234567", since: "2026-11-21T02:59:00.000Z" }] });
  });

  it("forgets what is older than it may be kept, and touches nothing else", async (context) => {
    const clock = { wallMs: DEATH_MS };
    const { ledger, folder } = await ledgerAt(context, clock);
    await ledger.forgetOld();
    await ledger.record(droppedAt(DEATH_MS));
    await ledger.record(droppedAt(DEATH_MS + DAY_MS));
    await writeFile(join(folder, "notes.txt"), "an operator's");
    clock.wallMs = DEATH_MS + 30 * DAY_MS;
    await ledger.forgetOld();
    assert.equal((await readdir(folder)).length, 3);
    clock.wallMs += 1;
    await ledger.forgetOld();
    assert.deepEqual((await readdir(folder)).toSorted(), ["2026-11-22T03-00-00.000Z-node-a.json", "notes.txt"]);
  });

  it("says when it can't be written or cleared", async (context) => {
    const { ledger, folder } = await ledgerAt(context, { wallMs: DEATH_MS });
    await writeFile(folder, "a file where the folder should be");
    await rejectsWith("AGENT_STATE_UNWRITABLE", ledger.record(droppedAt(DEATH_MS)));
    await rejectsWith("AGENT_STATE_UNWRITABLE", ledger.forgetOld());
  });

  it("is cleared at the start and again and again, without waiting for the next failover; what fails is told once", async (context) => {
    const clock = { wallMs: DEATH_MS + 40 * DAY_MS };
    const { ledger, folder } = await ledgerAt(context, clock);
    await mkdir(folder);
    const events: string[] = [];
    const log = openLog({ level: "debug", clusterId: "c", nodeId: "n", clock: { monotonicMs: () => 0, wallMs: () => 0 }, to: { write: (line) => { events.push((JSON.parse(line) as { event: string }).event); } } });
    let tries = 0;
    let failing = false;
    const stop = keepLedger({
      forgetOld: async () => {
        tries += 1;
        if (failing) throw new AgentError("AGENT_STATE_UNWRITABLE", "no");
        await ledger.forgetOld();
      },
    }, log, 5);
    context.after(stop);
    const cleared = async (): Promise<boolean> => (await readdir(folder)).length === 0;
    for (const atMs of [DEATH_MS, DEATH_MS + DAY_MS]) {
      await ledger.record(droppedAt(atMs));
      await waitUntil("the old ledger to go", cleared, 5_000);
    }
    failing = true;
    const before = tries;
    await waitUntil("three failures", () => tries >= before + 4, 5_000);
    assert.deepEqual(events, ["ledger-not-trimmed"]);
    failing = false;
    await ledger.record(droppedAt(DEATH_MS));
    await waitUntil("the rest to go", cleared, 5_000);
  });
});
