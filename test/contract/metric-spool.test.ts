/** FileSpool keeps the contract, and survives what a disk does. */
import assert from "node:assert/strict";
import { readdir, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { FileSpool } from "../../agent/adapters/file-spool.ts";
import { METRIC_NAMES } from "../../agent/core/metrics.ts";
import { rejectsWith } from "../support/rejects-with.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { describeMetricSpoolContract, minute, START } from "./metric-spool-contract.ts";

const BLOCK = 4096;

describeMetricSpoolContract("FileSpool", async () => {
  const folder = await temporaryFolder();
  let wallMs = START;
  return {
    open: (minutes) => new FileSpool({ folder: join(folder.path, "spool"), maxBytes: minutes * BLOCK, wallMs: () => wallMs }),
    setWallMs: (now) => {
      wallMs = now;
    },
    close: () => folder.remove(),
  };
});

async function withSpool(run: (spool: (maxBytes?: number) => FileSpool, folder: string) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder();
  try {
    await run((maxBytes = 1_000_000) => new FileSpool({ folder: folder.path, maxBytes, wallMs: () => START }), folder.path);
  } finally {
    await folder.remove();
  }
}

describe("FileSpool", () => {
  it("never takes more of the disk than it may", () =>
    withSpool(async (open, folder) => {
      const spool = open(10 * BLOCK);
      for (let index = 0; index < 40; index += 1) await spool.append(minute(index));
      let taken = 0;
      for (const name of await readdir(folder)) taken += Math.ceil((await stat(join(folder, name))).size / BLOCK) * BLOCK;
      assert.ok(taken > 0 && taken <= 10 * BLOCK, `${taken} bytes`);
    }));

  it("skips a minute that was cut off, and counts as many measurements as it held", () =>
    withSpool(async (open, folder) => {
      const before = open();
      await before.append(minute(0));
      await before.append(minute(1));
      const [first = ""] = (await readdir(folder)).sort();
      await truncate(join(folder, first), 30);
      const spool = open();
      assert.deepEqual(await spool.oldest(), [minute(1)]);
      assert.equal(await spool.append(minute(2)), METRIC_NAMES.length);
      assert.equal(await spool.append(minute(3)), 0);
    }));

  it("counts an empty file as one", () =>
    withSpool(async (open, folder) => {
      await writeFile(join(folder, "000000000001.json"), "");
      const spool = open();
      assert.deepEqual(await spool.oldest(), []);
      assert.equal(await spool.append(minute(0)), 1);
    }));

  it("clears away what a crash left half-written, and leaves other files alone", () =>
    withSpool(async (open, folder) => {
      await writeFile(join(folder, ".tmp-000000000001.json.1.1"), "half");
      await writeFile(join(folder, "README"), "not ours");
      await open().append(minute(0));
      assert.deepEqual((await readdir(folder)).sort(), ["000000000001.json", "README"]);
    }));

  it("says when it can't write", () =>
    withSpool(async (_open, folder) => {
      await writeFile(join(folder, "blocked"), "");
      await rejectsWith("AGENT_STATE_UNWRITABLE", new FileSpool({ folder: join(folder, "blocked"), maxBytes: 10 * BLOCK, wallMs: () => START }).append(minute(0)));
    }));
});
