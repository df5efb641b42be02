/** The metric spool after something has happened to its folder: what is left of it must neither block nor poison what follows. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { z } from "zod";
import { FileSpool } from "../../../agent/adapters/file-spool.ts";
import { METRIC_NAMES, METRICS, type MetricMinute } from "../../../agent/core/metrics.ts";
import { latin1, mutatedJsonText, type Json } from "../mutate.ts";
import { target } from "../target.ts";

const WALL_MS = 1_795_000_000_000;
const MINUTE_MS = 60_000;
/** CloudWatch refuses a whole call for one value outside of this (its API reference, MetricDatum). */
const VALUE_MAX = 2 ** 360;
const MAX_BYTES = 65_536;

const minuteAt = (atWallMs: number): MetricMinute => ({ atWallMs, sets: { Serving: { min: 1, max: 1, sum: 60, count: 60 }, AriLatency: { min: 0.5, max: 9.25, sum: 88.5, count: 30 }, Claims: { min: 0, max: 1, sum: 1, count: 2 } } });
const written = (minute: MetricMinute): Json => ({ count: Object.keys(minute.sets).length, minute }) as unknown as Json;
const SEEDS = [written(minuteAt(WALL_MS)), written(minuteAt(WALL_MS - 86_400_000)), written({ atWallMs: WALL_MS - MINUTE_MS, sets: {} })];

const fileName = fc.oneof({ weight: 8, arbitrary: fc.constantFrom("000000000001.json", "000000000002.json", "000000000007.json") }, { weight: 1, arbitrary: fc.constantFrom("999999999999.json", "000000000000.json", ".tmp-000000000003.json.1.1", "notes.txt", "1.json") });

function assertSound(minute: MetricMinute): void {
  assert.ok(Number.isSafeInteger(minute.atWallMs), "a minute without a time");
  for (const [name, set] of Object.entries(minute.sets)) {
    assert.ok(Object.hasOwn(METRICS, name), "a metric that there is none of");
    for (const value of [set.min, set.max, set.sum]) assert.ok(Number.isFinite(value) && Math.abs(value) <= VALUE_MAX, `${name} holds ${value}, which CloudWatch refuses`);
    assert.ok(set.min <= set.max && set.count >= 1 && Number.isFinite(set.count), `${name} is no statistic set: ${JSON.stringify(set)}`);
  }
}

export const spool = target({
  name: "spool",
  says: "the files of the metric spool, to the spool that finds them at its start",
  inputs: fc.uniqueArray(fc.record({ name: fileName, bytes: fc.oneof({ weight: 9, arbitrary: mutatedJsonText(SEEDS, 3).map(latin1) }, { weight: 1, arbitrary: fc.constantFrom("", "{", "\u0000", '{"count":99999999999999999999999,"minute":') }) }), { minLength: 1, maxLength: 3, selector: ({ name }) => name }),
  schema: z.array(z.object({ name: z.string(), bytes: z.string() })),
  casesInSuite: 250,
  share: 15_000,
  open: () => {
    const parent = mkdtempSync(join(tmpdir(), "fuzz-spool-"));
    const folder = join(parent, "spool");
    return {
      async feed(files) {
        rmSync(folder, { recursive: true, force: true });
        mkdirSync(folder);
        for (const { name, bytes } of files) writeFileSync(join(folder, name), bytes, "latin1");
        const make = (): FileSpool => new FileSpool({ folder, maxBytes: MAX_BYTES, wallMs: () => WALL_MS });
        const first = make();
        const kept = await first.oldest();
        for (const minute of kept) assertSound(minute);
        const lost = await first.append(minuteAt(WALL_MS));
        assert.ok(Number.isSafeInteger(lost) && lost >= 0 && lost <= files.length * METRIC_NAMES.length, `${lost} measurements lost in ${files.length} files`);
        // A new start finds the same, and all of it can be sent and forgotten.
        const second = make();
        const found = await second.oldest();
        assert.ok(found.some((minute) => minute.atWallMs === WALL_MS), "the minute that was appended is not found again");
        assert.equal(await second.drop(found.length), 0);
        assert.deepEqual(await second.oldest(), []);
        assert.deepEqual(readdirSync(folder).filter((name) => /^\d{12,}\.json$/.test(name)), [], "files stay that nobody will ever read");
        return kept.length > 0;
      },
      close: () => Promise.resolve(rmSync(parent, { recursive: true })),
    };
  },
});
