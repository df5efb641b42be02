/** FileStore keeps the contract, and some promises about files. */
import assert from "node:assert/strict";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { FileStore } from "../../agent/adapters/file-store.ts";
import { rejectsWith } from "../support/rejects-with.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { describeStoreContract, someState } from "./store-contract.ts";

describeStoreContract("FileStore", async () => {
  const folder = await temporaryFolder();
  const path = join(folder.path, "state", "state.json");
  return { open: () => new FileStore(path), damage: (text) => writeFile(path, text), close: () => folder.remove() };
});

describe("FileStore", () => {
  it("writes a file that only the agent may read, and leaves no temporary file", async () => {
    const folder = await temporaryFolder();
    try {
      await new FileStore(join(folder.path, "state.json")).save(someState(1));
      assert.equal((await stat(join(folder.path, "state.json"))).mode & 0o777, 0o600);
      assert.deepEqual(await readdir(folder.path), ["state.json"]);
    } finally {
      await folder.remove();
    }
  });

  it("sets a damaged file aside, as it was", async () => {
    const folder = await temporaryFolder();
    try {
      await writeFile(join(folder.path, "state.json"), "garbage");
      await rejectsWith("AGENT_STATE_UNREADABLE", new FileStore(join(folder.path, "state.json")).load());
      assert.equal(await readFile(join(folder.path, "state.json.damaged"), "utf8"), "garbage");
    } finally {
      await folder.remove();
    }
  });

  it("says when it can't write, keeps the old state whole, and goes on when it can again", async () => {
    const folder = await temporaryFolder();
    try {
      const blocked = join(folder.path, "blocked");
      await writeFile(blocked, "a file where the folder should be");
      await rejectsWith("AGENT_STATE_UNWRITABLE", new FileStore(join(blocked, "state.json")).save(someState(1)));
      await rejectsWith("AGENT_STATE_UNREADABLE", new FileStore(join(blocked, "state.json")).load());
    } finally {
      await folder.remove();
    }
  });
});
