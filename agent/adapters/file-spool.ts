/**
 * The MetricSpool port over a folder of small files, one a minute, named by a growing number (promise N1). A minute
 * appears whole or not at all, is forgotten by itself once it was published, and appending costs the same however many
 * are waiting. What CloudWatch would refuse for its age is dropped and counted here: one such minute would otherwise
 * block all that come after it for good.
 */
import { mkdir, readFile, readdir, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { METRIC_NAMES, type MetricMinute, type MetricName, type StatisticSet } from "../core/metrics.ts";
import { AgentError } from "../errors.ts";
import type { MetricSpool } from "../ports.ts";
import { TEMPORARY_PREFIX, writeFileAtomically } from "./atomic-file.ts";
import { PUT_METRICS_MAX, PUT_NEWEST_MS, PUT_OLDEST_MS } from "./put-metric-limits.ts";

/** A file takes whole blocks of the disk (bytes), so the bound counts blocks. */
const BLOCK_BYTES = 4_096;

/** CloudWatch refuses a whole call for one value that is outside of this (API reference, MetricDatum). */
const VALUE_MAX = 2 ** 360;

const value = z.number().min(-VALUE_MAX).max(VALUE_MAX);
const set = z.object({ min: value, max: value, sum: value, count: z.number().min(1).max(Number.MAX_SAFE_INTEGER) }).refine(({ min, max }) => min <= max);
const minuteSchema = z.object({ atWallMs: z.int().min(0), sets: z.record(z.string(), set) });

/** A minute on disk. */
interface Entry {
  readonly number: number;
  /** What it takes of the disk. */
  readonly bytes: number;
}

/** For the agent's metrics; or for another program's, which then names them. */
export class FileSpool<Name extends string = MetricName> implements MetricSpool<Name> {
  readonly #names: ReadonlySet<string>;
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #wallMs: () => number;
  /** Oldest first; null until the folder was read. */
  #entries: Entry[] | null = null;
  /** The sum of the entries' bytes. */
  #used = 0;
  /** The numbers of the minutes that oldest() returned last: drop() means these, whatever was appended since. */
  #offered: readonly number[] = [];
  /** Lost since the last append that reported it. */
  #lost = 0;
  /** One operation at a time. */
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param options.folder inside STATE_DIR, used by nothing else; made when it is missing
   * @param options.maxBytes how much of the disk the spool may take
   * @param options.wallMs today's date, to know what CloudWatch would still accept
   * @param options.names the metrics that there are; a minute with any other is damaged. Those of the agent when left out.
   */
  constructor(options: { readonly folder: string; readonly maxBytes: number; readonly wallMs: () => number; readonly names?: readonly Name[] }) {
    this.#names = new Set<string>(options.names ?? METRIC_NAMES);
    this.#folder = options.folder;
    this.#maxBytes = options.maxBytes;
    this.#wallMs = options.wallMs;
  }

  append(minute: MetricMinute<Name>): Promise<number> {
    return this.#inTurn(async () => {
      const entries = await this.#open();
      const count = Object.keys(minute.sets).length;
      // The count comes first, so that it can be read even from a damaged file.
      const text = `{"count":${count},"minute":${JSON.stringify(minute)}}\n`;
      const bytes = blocks(Buffer.byteLength(text));
      for (let oldest = entries[0]; oldest !== undefined && this.#used + bytes > this.#maxBytes; oldest = entries[0]) {
        this.#lost += await this.#countOf(oldest);
        await this.#forget(entries, oldest);
      }
      if (this.#used + bytes > this.#maxBytes) this.#lost += count;
      else if (count > 0) {
        const number = (entries.at(-1)?.number ?? 0) + 1;
        await writeFileAtomically(this.#pathOf(number), text);
        entries.push({ number, bytes });
        this.#used += bytes;
      }
      return this.#tellLost();
    });
  }

  oldest(): Promise<readonly MetricMinute<Name>[]> {
    return this.#inTurn(async () => {
      const entries = await this.#open();
      const minutes: MetricMinute<Name>[] = [];
      const offered: number[] = [];
      let total = 0;
      for (const entry of [...entries]) {
        const minute = await this.#read(entry);
        if (minute === null || !this.#acceptable(minute)) {
          this.#lost += await this.#countOf(entry);
          await this.#forget(entries, entry);
          continue;
        }
        total += Object.keys(minute.sets).length;
        if (total > PUT_METRICS_MAX) break;
        minutes.push(minute);
        offered.push(entry.number);
      }
      this.#offered = offered;
      return minutes;
    });
  }

  drop(count: number): Promise<number> {
    return this.#inTurn(async () => {
      const entries = await this.#open();
      const published = new Set(this.#offered.slice(0, count));
      for (const entry of entries.filter((one) => published.has(one.number))) await this.#forget(entries, entry);
      return this.#tellLost();
    });
  }

  #tellLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  /** Runs one operation after the other, and gives every failure of the file system its code. */
  #inTurn<T>(operation: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(operation).catch((error: unknown) => {
      throw new AgentError("AGENT_STATE_UNWRITABLE", `${this.#folder}: ${error instanceof Error ? error.message : String(error)}`, error);
    });
    this.#last = mine.catch(() => undefined); // Whoever asked for it is told.
    return mine;
  }

  /** Reads the folder once. */
  async #open(): Promise<Entry[]> {
    if (this.#entries !== null) return this.#entries;
    await mkdir(this.#folder, { recursive: true, mode: 0o750 });
    const entries: Entry[] = [];
    for (const name of await readdir(this.#folder)) {
      // More digits than are written at first: the number after the last of twelve digits has thirteen.
      const number = /^(\d{12,15})\.json$/.exec(name)?.[1];
      if (number !== undefined) entries.push({ number: Number(number), bytes: blocks((await stat(join(this.#folder, name))).size) });
      else if (name.startsWith(TEMPORARY_PREFIX)) await unlink(join(this.#folder, name));
    }
    entries.sort((a, b) => a.number - b.number);
    this.#used = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    this.#entries = entries;
    return entries;
  }

  #pathOf(number: number): string {
    return join(this.#folder, `${String(number).padStart(12, "0")}.json`);
  }

  /** null when it is damaged. */
  async #read(entry: Entry): Promise<MetricMinute<Name> | null> {
    try {
      const record: unknown = JSON.parse(await readFile(this.#pathOf(entry.number), "utf8"));
      const { minute } = z.object({ minute: minuteSchema }).parse(record);
      if (Object.keys(minute.sets).some((name) => !this.#names.has(name))) return null;
      return { atWallMs: minute.atWallMs, sets: minute.sets as Partial<Record<Name, StatisticSet>> };
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof z.ZodError || isMissing(error)) return null;
      throw error;
    }
  }

  /** How many measurements a minute holds; 1 when even that can't be read. */
  async #countOf(entry: Entry): Promise<number> {
    const text = await readFile(this.#pathOf(entry.number), "utf8").catch(() => "");
    const count = Number(/^\{"count":(\d{1,4}),/.exec(text)?.[1] ?? 1);
    // A minute has no more; a file that says otherwise is not to be believed in this either.
    return Math.min(count, this.#names.size);
  }

  #acceptable(minute: MetricMinute<Name>): boolean {
    const ageMs = this.#wallMs() - minute.atWallMs;
    return ageMs <= PUT_OLDEST_MS && ageMs >= -PUT_NEWEST_MS;
  }

  async #forget(entries: Entry[], entry: Entry): Promise<void> {
    await unlink(this.#pathOf(entry.number)).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
    entries.splice(entries.indexOf(entry), 1);
    this.#used -= entry.bytes;
  }
}

function blocks(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / BLOCK_BYTES)) * BLOCK_BYTES;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
