// The Stasis app's measurements while CloudWatch is away: the app's sender with the real spool on a real disk and the real adapter, against
// the embedded AWS. They go the way of the agent's; a whole day of that way is test/campaign/metric-outage.test.ts. Only the clock is not real.
import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { CloudWatchMetrics } from "../../agent/adapters/cloudwatch-metrics.ts";
import { FileSpool } from "../../agent/adapters/file-spool.ts";
import { APP_METRIC_NAMES, APP_METRICS, appMetrics, type AppMetricName } from "../../agent/stasis-app/core/app-metrics.ts";
import { MetricSender } from "../../agent/stasis-app/metric-sender.ts";
import type { EmbeddedAws } from "../support/aws/aws-server.ts";
import { withMetricStand } from "../support/aws/metric-stand.ts";
import { STORED_UNDER } from "./metric-sink-contract.ts";

const MINUTE_MS = 60_000;
const BLOCK = 4_096;
const FIGURES = { queued: 3, dialling: 2, up: 1, lastHour: { answered: 3, busy: 1 } };

/** One app's metrics in virtual minutes. */
class World {
  wallMs = Date.now() - 24 * 60 * MINUTE_MS;
  isActive = true;
  figures = (): Promise<typeof FIGURES> => Promise.resolve(FIGURES);
  readonly troubles: string[] = [];
  readonly callsPerMinute: number[] = [];
  readonly folder: string;
  sender: MetricSender;
  readonly #aws: EmbeddedAws;
  readonly #sink: CloudWatchMetrics<AppMetricName>;
  readonly #maxBytes: number;
  #lastCall = 0;

  constructor(aws: EmbeddedAws, sink: CloudWatchMetrics<AppMetricName>, folder: string, maxBytes: number) {
    this.#aws = aws;
    this.#sink = sink;
    this.folder = folder;
    this.#maxBytes = maxBytes;
    this.sender = this.restarted();
  }

  /** As after a restart of the app: only what is on the disk is known. */
  restarted(place = "."): MetricSender {
    const spool = new FileSpool<AppMetricName>({ folder: join(this.folder, place), maxBytes: this.#maxBytes, wallMs: () => this.wallMs, names: APP_METRIC_NAMES });
    this.sender = new MetricSender({
      sink: this.#sink, spool, intervalMs: MINUTE_MS, wallMs: () => this.wallMs, isActive: () => this.isActive,
      values: async (dropped) => appMetrics(await this.figures(), { count: 4, oldestMs: 5 }, dropped),
      onTrouble: (what) => void this.troubles.push(what),
    });
    return this.sender;
  }

  async pass(minutes: number): Promise<void> {
    for (let minute = 0; minute < minutes; minute += 1) {
      this.wallMs += MINUTE_MS;
      await this.sender.send();
      const calls = this.#aws.lab.calls(this.#lastCall);
      this.#lastCall = calls.at(-1)?.number ?? this.#lastCall;
      this.callsPerMinute.push(calls.length);
    }
  }

  async waiting(): Promise<number> {
    return (await readdir(this.folder)).length;
  }
}

function withWorld(maxBytes: number, run: (world: World, aws: EmbeddedAws) => Promise<void>): Promise<void> {
  return withMetricStand((access) => new CloudWatchMetrics<AppMetricName>({ ...access, ...STORED_UNDER, units: APP_METRICS }), (aws, sink, folder) => run(new World(aws, sink, folder, maxBytes), aws));
}

const arrivals = (aws: EmbeddedAws): ReadonlySet<number> => new Set(aws.lab.metrics().map(({ atWallMs }) => atWallMs));

describe("the Stasis app's metrics without CloudWatch", () => {
  it("wait on the disk, through a restart, and arrive once with their own times, in no more calls than are made anyway", () =>
    withWorld(1_000 * BLOCK, async (world, aws) => {
      const away = 30;
      await world.pass(2);
      aws.lab.addFault({ action: "PutMetricData", outcome: "error-503" });
      await world.pass(away / 2);
      world.restarted();
      await world.pass(away / 2);
      assert.equal(await world.waiting(), away);
      assert.deepEqual(new Set(world.troubles), new Set(["metrics wait on the disk"]));
      aws.lab.clearFaults();
      await world.pass(1);
      assert.equal(await world.waiting(), 0);
      assert.deepEqual(new Set(world.callsPerMinute), new Set([1]));
      assert.equal(arrivals(aws).size, world.callsPerMinute.length, "every minute has arrived");
      assert.equal(aws.lab.metrics().length, world.callsPerMinute.length * APP_METRIC_NAMES.length, "and none twice");
    }));

  it("keep to the disk that they may take; what did not fit is counted, and told when CloudWatch is back", () =>
    withWorld(10 * BLOCK, async (world, aws) => {
      aws.lab.addFault({ action: "PutMetricData", outcome: "error-503" });
      await world.pass(15);
      assert.equal(await world.waiting(), 10);
      aws.lab.clearFaults();
      await world.pass(1);
      const lost = aws.lab.metrics().filter(({ name }) => name === "AppMetricsDropped").reduce((sum, { set }) => sum + set.sum, 0);
      assert.equal(aws.lab.metrics().length, 11 * APP_METRIC_NAMES.length);
      assert.equal(lost, 5 * APP_METRIC_NAMES.length, "each loss is told once");
    }));

  it("are still sent by a node that is the active no more, which measures nothing", () =>
    withWorld(100 * BLOCK, async (world, aws) => {
      aws.lab.addFault({ action: "PutMetricData", outcome: "error-503" });
      await world.pass(3);
      world.isActive = false;
      await world.pass(1);
      assert.equal(await world.waiting(), 3, "and keeps nothing empty");
      aws.lab.clearFaults();
      await world.pass(2);
      assert.equal(await world.waiting(), 0);
      assert.equal(aws.lab.metrics().length, 3 * APP_METRIC_NAMES.length);
      assert.equal(world.callsPerMinute.at(-1), 0, "with nothing to send, nothing is called");
    }));

  it("leave the app alone when they can neither be sent nor kept, or not be measured", () =>
    withWorld(100 * BLOCK, async (world, aws) => {
      aws.lab.addFault({ action: "PutMetricData", outcome: "error-503" });
      await writeFile(join(world.folder, "blocked"), "");
      world.restarted("blocked");
      await world.pass(1);
      world.restarted();
      world.figures = () => Promise.reject(new Error("the database is away"));
      await world.pass(1);
      assert.deepEqual(world.troubles, Array(2).fill("metrics could not be measured or kept"));
    }));
});
