/**
 * Promise N1 over a whole day: CloudWatch is away for 1,440 minutes of virtual time. The real spool on a real disk, the real
 * shipping code and the real adapter, against the embedded AWS; only the clock is not real.
 */
import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { CloudWatchMetrics } from "../../agent/adapters/cloudwatch-metrics.ts";
import { FileSpool } from "../../agent/adapters/file-spool.ts";
import { PUT_METRICS_MAX } from "../../agent/adapters/put-metric-limits.ts";
import { METRIC_NAMES, type MetricMinute } from "../../agent/core/metrics.ts";
import { KNOBS } from "../../agent/knobs.ts";
import { publishMinute } from "../../agent/adapters/metric-shipping.ts";
import type { EmbeddedAws } from "../support/aws/aws-server.ts";
import { withMetricStand } from "../support/aws/metric-stand.ts";
import { STORED_UNDER } from "../contract/metric-sink-contract.ts";

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;
const MIB = 1_048_576;
const BLOCK = 4_096;

/** One agent's metrics in virtual minutes. */
class VirtualDay {
  /** Two days ago: CloudWatch takes what is younger than two weeks. */
  wallMs = Date.now() - 2 * DAY_MINUTES * MINUTE_MS;
  dropped = 0;
  /** Calls to CloudWatch in each minute. */
  readonly callsPerMinute: number[] = [];
  readonly folder: string;
  readonly #aws: EmbeddedAws;
  readonly #sink: CloudWatchMetrics;
  readonly #maxBytes: number;
  #spool: FileSpool;
  #lastCall = 0;

  constructor(aws: EmbeddedAws, sink: CloudWatchMetrics, folder: string, spoolMib: number) {
    this.#aws = aws;
    this.#sink = sink;
    this.folder = folder;
    this.#maxBytes = spoolMib * MIB;
    this.#spool = this.#open();
  }

  #open(): FileSpool {
    return new FileSpool({ folder: this.folder, maxBytes: this.#maxBytes, wallMs: () => this.wallMs });
  }

  restartAgent(): void {
    this.#spool = this.#open();
  }

  async pass(minutes: number): Promise<void> {
    for (let minute = 0; minute < minutes; minute += 1) {
      this.wallMs += MINUTE_MS;
      const { dropped } = await publishMinute(fullMinute(this.wallMs), { sink: this.#sink, spool: this.#spool }, AbortSignal.timeout(20_000));
      this.dropped += dropped;
      const calls = this.#aws.lab.calls(this.#lastCall);
      this.#lastCall = calls.at(-1)?.number ?? this.#lastCall;
      this.callsPerMinute.push(calls.length);
    }
  }

  /** Minutes that wait on disk. */
  async waiting(): Promise<number> {
    return (await readdir(this.folder)).length;
  }

  /** What they take of it (bytes). */
  async diskBytes(): Promise<number> {
    const sizes = await Promise.all((await readdir(this.folder)).map(async (name) => (await stat(join(this.folder, name))).size));
    return sizes.reduce((sum, size) => sum + Math.ceil(size / BLOCK) * BLOCK, 0);
  }
}

/** Every metric, as at the busiest. */
function fullMinute(atWallMs: number): MetricMinute {
  return { atWallMs, sets: Object.fromEntries(METRIC_NAMES.map((name) => [name, { min: 0.125, max: 1_234.5, sum: 56_789.25, count: 60 }])) };
}

function withDay(spoolMib: number, run: (day: VirtualDay, aws: EmbeddedAws) => Promise<void>): Promise<void> {
  return withMetricStand((access) => new CloudWatchMetrics({ ...access, ...STORED_UNDER }), (aws, sink, folder) => run(new VirtualDay(aws, sink, folder, spoolMib), aws));
}

/** How often each minute has arrived, by its own time. */
function arrivals(aws: EmbeddedAws): ReadonlyMap<number, number> {
  const times = new Map<number, number>();
  for (const { atWallMs } of aws.lab.metrics()) times.set(atWallMs, (times.get(atWallMs) ?? 0) + 1);
  return times;
}

describe("a day without CloudWatch", { timeout: 240_000 }, () => {
  it("loses nothing, keeps to one call a minute when it is over, and every minute arrives once with its own time", () =>
    withDay(KNOBS.METRIC_SPOOL_MIB.default, async (day, aws) => {
      await day.pass(3);
      assert.equal(await day.waiting(), 0);
      aws.lab.addFault({ action: "PutMetricData", outcome: "error-503" });
      await day.pass(DAY_MINUTES / 2);
      day.restartAgent();
      await day.pass(DAY_MINUTES / 2);
      assert.equal(await day.waiting(), DAY_MINUTES);
      assert.ok((await day.diskBytes()) <= KNOBS.METRIC_SPOOL_MIB.default * MIB);
      aws.lab.clearFaults();
      const olderPerCall = Math.floor(PUT_METRICS_MAX / METRIC_NAMES.length) - 1;
      await day.pass(Math.ceil(DAY_MINUTES / olderPerCall));
      assert.equal(await day.waiting(), 0, "the backlog is sent as fast as the calls that are made anyway can carry it");
      assert.equal(day.dropped, 0);
      assert.deepEqual(new Set(day.callsPerMinute), new Set([1]), "never more than the one call of each minute");
      const arrived = arrivals(aws);
      assert.equal(arrived.size, day.callsPerMinute.length);
      assert.deepEqual(new Set(arrived.values()), new Set([METRIC_NAMES.length]));
    }));

  it("keeps to the disk that it may take, and counts what did not fit", () =>
    withDay(1, async (day, aws) => {
      aws.lab.addFault({ action: "PutMetricData", outcome: "error-503" });
      await day.pass(DAY_MINUTES);
      assert.ok((await day.diskBytes()) <= MIB);
      const kept = await day.waiting();
      assert.ok(kept > 0 && kept < DAY_MINUTES, `${kept} minutes are kept`);
      assert.equal(day.dropped, (DAY_MINUTES - kept) * METRIC_NAMES.length);
      const firstKeptMs = day.wallMs - (kept - 1) * MINUTE_MS;
      aws.lab.clearFaults();
      await day.pass(kept);
      assert.equal(await day.waiting(), 0);
      assert.deepEqual(new Set(day.callsPerMinute), new Set([1]));
      const arrived = arrivals(aws);
      assert.equal(arrived.size, 2 * kept, "what was kept, and what came after");
      assert.equal(Math.min(...arrived.keys()), firstKeptMs, "the newest were kept");
    }));
});
