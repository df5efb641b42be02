/** Settings of the agents that differ from the defaults: named in the results, because a figure is worth nothing without them. */

/** Knob to value, as in the environment file. */
export type LabKnobs = Readonly<Record<string, string>>;

/**
 * For making one fault after the other on one pair. None of the three shortens a failover: the hold-down would only make
 * each run wait for the end of the one before, the hourly limit would stop the seventh, and the log's detail, which says
 * where the time goes, costs time rather than saving it.
 */
export const FAULT_KNOBS: LabKnobs = { HOLD_DOWN_MS: "1000", CLAIMS_PER_HOUR: "1000", LOG_LEVEL: "debug" };
