/**
 * The presets of TIMING: overrides of the defaults and nothing else, so the differences are what is written here. The
 * defaults suit two zones of one region. `cautious` waits about three times as long before it believes in a failure, for
 * machines with noisy neighbours or a jittery network between the nodes: later, and more rarely wrong.
 */
import type { KnobValues, NumberKnob } from "./knobs.ts";

export const PRESETS = {
  default: {},
  cautious: {
    SELF_DOUBT_AFTER_MS: 1_500,
    HEARTBEAT_INTERVAL_MS: 750,
    PEER_LATE_AFTER_MS: 1_800,
    PEER_LOST_AFTER_MS: 4_500,
    COLD_LOST_AFTER_MS: 180_000,
    WITNESS_ABSENT_AFTER_MS: 90_000,
    PROBE_INTERVAL_MS: 2_000,
    PROBE_TIMEOUT_MS: 1_000,
    SUSPECT_PROBE_INTERVAL_MS: 600,
    STASIS_DOWN_AFTER_MS: 30_000,
    CANARY_TIMEOUT_MS: 5_000,
    SUSPECT_READ_INTERVAL_MS: 2_000,
    CLOUD_TIMEOUT_MS: 4_000,
    CLAIM_TIMEOUT_MS: 6_000,
    CLAIM_CONFIRM_WITHIN_MS: 20_000,
    MARK_INTERVAL_MS: 2_000,
    MARK_VISIBLE_AFTER_MS: 2_700,
    YIELD_AFTER_MS: 450,
    HOLD_DOWN_MS: 90_000,
    RANK_STAGGER_MS: 3_000,
    VACANT_GRACE_MS: 9_000,
  },
} as const satisfies Record<KnobValues["TIMING"], Partial<Record<NumberKnob, number>>>;

/** What a preset says about a knob; null when it leaves the default. */
export function presetValue(preset: keyof typeof PRESETS, name: string): number | null {
  const overrides: Readonly<Record<string, number>> = PRESETS[preset];
  return overrides[name] ?? null;
}
