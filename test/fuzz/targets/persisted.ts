/** What survived the last run, damaged on the disk: the agent must start, with what it can trust or with a full hold-down. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { z } from "zod";
import { FileStore } from "../../../agent/adapters/file-store.ts";
import type { PersistedState } from "../../../agent/core/persisted.ts";
import { persistPolicy, restorePolicy } from "../../../agent/core/policy.ts";
import { nodeConfig } from "../../support/settings.ts";
import { assertSameJson, settledOrRefused } from "../judge.ts";
import { latin1, mutatedJsonText, type Json } from "../mutate.ts";
import { target } from "../target.ts";

const WALL_MS = 1_795_000_000_000;
const SEEDS: readonly PersistedState[] = [
  { version: 1, savedAtWallMs: WALL_MS, pause: { revision: 0, setBy: "", on: false, reason: "", untilWallMs: null }, blocked: false, holdDownUntilWallMs: WALL_MS, claimsAtWallMs: [], moves: [] },
  { version: 1, savedAtWallMs: WALL_MS - 5_000, pause: { revision: 4, setBy: "node-b", on: true, reason: "maintenance", untilWallMs: WALL_MS + 60_000 }, blocked: true, holdDownUntilWallMs: WALL_MS + 20_000, claimsAtWallMs: [WALL_MS - 100_000, WALL_MS - 50_000], moves: [{ atWallMs: WALL_MS - 50_000, from: "node-b", to: "node-a", reason: "every sign of life is gone" }] },
];

export const persisted = target({
  name: "persisted",
  says: "the bytes of the state file, to the store and to the policy that is restored from it",
  inputs: fc.oneof({ weight: 9, arbitrary: mutatedJsonText(SEEDS as unknown as readonly Json[]).map(latin1) }, { weight: 1, arbitrary: fc.string({ maxLength: 200, unit: "binary" }).map(latin1) }),
  schema: z.string(),
  casesInSuite: 500,
  share: 30_000,
  open: () => {
    const folder = mkdtempSync(join(tmpdir(), "fuzz-state-"));
    const path = join(folder, "state.json");
    const { core } = nodeConfig();
    return {
      async feed(bytes) {
        writeFileSync(path, bytes, "latin1");
        const store = new FileStore(path);
        const loaded = await settledOrRefused(() => store.load(), { codes: ["AGENT_STATE_UNREADABLE"] });
        if (loaded === null) {
          assert.ok(existsSync(`${path}.damaged`) && !existsSync(path), "a damaged file was not set aside");
          assert.equal(await store.load(), null);
          return false;
        }
        assert.ok(loaded.value !== null, "a file that is there was taken for none");
        const policy = restorePolicy(loaded.value, 1_000, WALL_MS, core);
        assert.ok(policy.holdDownUntilMs >= 1_000 && policy.holdDownUntilMs <= 1_000 + core.holdDownMs, "a hold-down that is longer than the knob, or over before it began");
        for (const at of policy.claimsAtMs) assert.ok(Number.isFinite(at) && at <= 1_000, "a claim in the future");
        const again = persistPolicy(policy, 1_000, WALL_MS);
        const stored = JSON.parse(JSON.stringify(again)) as PersistedState;
        assertSameJson(persistPolicy(restorePolicy(stored, 1_000, WALL_MS, core), 1_000, WALL_MS), again, "what was restored changes with the next restart");
        return true;
      },
      close: () => Promise.resolve(rmSync(folder, { recursive: true })),
    };
  },
});
