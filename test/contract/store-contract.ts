/** What every Store must do. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { PersistedState } from "../../agent/core/persisted.ts";
import type { Store } from "../../agent/ports.ts";
import { rejectsWith } from "../support/rejects-with.ts";

export interface StoreWorld {
  /** A store over the same memory, as after a restart of the agent. */
  open(): Store;
  /** Overwrites what is stored, behind the store's back. */
  damage(text: string): Promise<void>;
  close(): Promise<void>;
}

/** A state that holds something in every field. */
export function someState(revision: number): PersistedState {
  return {
    version: 1,
    savedAtWallMs: 1_795_000_000_000,
    pause: { revision, setBy: "node-a", on: true, reason: "maintenance", untilWallMs: 1_795_000_100_000 },
    blocked: true,
    holdDownUntilWallMs: 1_795_000_030_000,
    claimsAtWallMs: [1_794_999_999_000],
    moves: [{ atWallMs: 1_794_999_999_500, from: "node-b", to: "node-a", reason: "quorum" }],
  };
}

export function describeStoreContract(name: string, makeWorld: () => Promise<StoreWorld>): void {
  describe(`Store contract: ${name}`, () => {
    let world: StoreWorld;
    beforeEach(async () => {
      world = await makeWorld();
    });
    afterEach(() => world.close());

    it("has nothing before anything was saved", async () => {
      assert.equal(await world.open().load(), null);
    });

    it("gives back what was saved, also after a restart", async () => {
      const store = world.open();
      await store.save(someState(1));
      assert.deepEqual(await store.load(), someState(1));
      assert.deepEqual(await world.open().load(), someState(1));
    });

    it("keeps the last of many saves, in the order in which they were asked for", async () => {
      const store = world.open();
      await Promise.all(Array.from({ length: 20 }, (_unused, index) => store.save(someState(index))));
      assert.deepEqual(await world.open().load(), someState(19));
    });

    for (const [what, text] of [["is cut off", '{"version":1,"saved'], ["is empty", ""], ["lacks a field", '{"version":1}'], ["is of an unknown version", JSON.stringify({ ...someState(1), version: 9 })]] as const) {
      it(`says so when what it stored ${what}, and then begins anew`, async () => {
        await world.open().save(someState(1));
        await world.damage(text);
        const store = world.open();
        await rejectsWith("AGENT_STATE_UNREADABLE", store.load());
        assert.equal(await store.load(), null);
        await store.save(someState(2));
        assert.deepEqual(await world.open().load(), someState(2));
      });
    }
  });
}
