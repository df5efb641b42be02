/** What the schedule starts in a state in which nothing is due but what a test makes so: every action was started a moment ago. */
import assert from "node:assert/strict";
import type { RequestAction } from "../../agent/core/events.ts";
import { schedule } from "../../agent/core/schedule.ts";
import type { CoreConfig } from "../../agent/core/settings.ts";
import type { State } from "../../agent/core/state.ts";
import { sampleStandby } from "../simulation/core-samples.ts";
import { coreConfig } from "./small-world.ts";

export const DUE_NOW = 2_000_000;
export const DUE_CONFIG = coreConfig("node-b", { sipTcp: true, database: true });

const KEYS = ["probe:ari", "probe:sip", "probe:sipTcp", "probe:canary", "probe:queues", "probe:database", "probe:counts", "probe:contacts", "probe:version", ...DUE_CONFIG.stasisProbes.map(({ key }) => key), "listCalls", "watchSip", "watchEip", "reference:private", "reference:public", "readAddress", "readInstance", "dryRunClaim", "dryRunMark", "writeMark", "writeClaimTags", "recordDropped", "save", "setMaintenance", "applyRole"];
const well = sampleStandby(DUE_NOW, DUE_CONFIG);
const answered = { okAtMs: DUE_NOW, hits: 9, misses: 0, firstMissAtMs: null, refused: false, latencyMs: 2, failure: null };

/** A standby that is well, and has asked for everything at this instant. */
export const QUIET: State = {
  ...well, appliedRole: "standby", maintenance: false, startedActions: Object.fromEntries(KEYS.map((key) => [key, DUE_NOW])),
  health: { ...well.health, probes: { ari: answered, sip: answered, canary: answered } },
};

/** The actions that are due, by key. */
export function dueIn(state: State, config: CoreConfig = DUE_CONFIG): Readonly<Record<string, RequestAction>> {
  return Object.fromEntries(schedule(state, config).actions.map((action) => [action.key, action]));
}

/** The same state, in which that was started so long ago. */
export function startedAgo(state: State, key: string, ms: number): State {
  return { ...state, startedActions: { ...state.startedActions, [key]: DUE_NOW - ms } };
}

/** It is due again so many milliseconds after it was started, and not one sooner. */
export function assertEvery(ms: number, key: string, state: State = QUIET, config: CoreConfig = DUE_CONFIG): void {
  assert.equal(dueIn(startedAgo(state, key, ms - 1), config)[key], undefined, `${key} sooner than after ${ms} ms`);
  assert.ok(dueIn(startedAgo(state, key, ms), config)[key] !== undefined, `${key} after ${ms} ms`);
}

/** It is due at once. */
export function assertNow(key: string, state: State, config: CoreConfig = DUE_CONFIG): void {
  assert.ok(dueIn(state, config)[key] !== undefined, `${key} at once`);
}

/** However long ago it was started. */
export function assertNever(key: string, state: State, config: CoreConfig = DUE_CONFIG): void {
  assert.equal(dueIn(startedAgo(state, key, 1_900_000), config)[key], undefined, `${key} never`);
}
