// A caller that measures: it asks the Elastic IP many times a second whether somebody is there, from outside, and so
// sees what callers see: for how long nobody answered, and who answered before and after.
import { z } from "zod";
import { waitUntil } from "../wait-until.ts";
import { ADDRESS, ELASTIC_IP, NODES, type NodeName, type Place } from "./addresses.ts";
import { monotonicMs } from "./clock.ts";
import type { Lab } from "./network.ts";
import type { LabProcess } from "./process.ts";
import { labProgram } from "./programs.ts";

export interface CallerOptions {
  /** Requests per second; the default is 20. */
  readonly perSecond?: number;
  /** From where; the caller's place by default (a hairpin: a node). */
  readonly place?: Exclude<Place, "igw">;
  /** Whom to ask; the Elastic IP by default. */
  readonly target?: string;
  /** The port there; 5060 by default. */
  readonly port?: number;
}

/** An answer; instants are those of `monotonicMs()`. */
export interface Answer {
  readonly number: number;
  readonly sentAtMs: number;
  readonly atMs: number;
  readonly status: number;
  /** Which node said so in its `Server` header; `null` when it names none. */
  readonly node: NodeName | null;
  /** Address that the answer came from. */
  readonly from: string;
}

/** A time in which no answer arrived, from the last answer before to the first after; `null` while it still lasts. */
export interface Outage {
  readonly startMs: number;
  readonly endMs: number | null;
  readonly lengthMs: number;
  readonly before: NodeName | null;
  readonly after: NodeName | null;
}

export interface CallerReport {
  readonly sent: number;
  readonly answered: number;
  /** Requests that were never answered, without those sent in the last 500 ms. */
  readonly lost: number;
  /** The longest time without an answer so far; includes the one going on. */
  readonly longestGapMs: number;
  /** All times without an answer which were longer than asked for, in order. */
  readonly outages: readonly Outage[];
  /** Number of answers by node, for nodes that answered. */
  readonly byNode: Readonly<Partial<Record<NodeName, number>>>;
}

const Line = z.discriminatedUnion("type", [
  z.object({ type: z.literal("sent"), number: z.number(), atMs: z.number() }),
  z.object({ type: z.literal("refused"), number: z.number(), error: z.string() }),
  z.object({ type: z.literal("answered"), number: z.number(), atMs: z.number(), status: z.number(), server: z.string(), from: z.string() }),
]);

/** Starts a caller. Resolves as soon as it has sent its first request. */
export async function startCaller(lab: Lab, options: CallerOptions = {}): Promise<Caller> {
  const place = options.place ?? "caller";
  const intervalMs = 1000 / (options.perSecond ?? 20);
  const caller = new Caller();
  const args = [options.target ?? ELASTIC_IP, String(options.port ?? 5060), String(intervalMs), ADDRESS[place]];
  caller.attach(await lab.spawn(place, process.execPath, [await labProgram("support/lab/caller-main.ts"), ...args], { name: "caller", onLine: (line) => caller.take(line) }));
  await waitUntil("the caller's first request", () => caller.sent > 0, 10_000);
  return caller;
}

export class Caller {
  readonly #sentAtMs = new Map<number, number>();
  readonly #answers = new Map<number, Answer>();
  #process: LabProcess | null = null;

  /** Called once by `startCaller`. */
  attach(process: LabProcess): void {
    this.#process = process;
  }

  /** Takes in one line of the process. */
  take(text: string): void {
    const line = Line.parse(JSON.parse(text));
    if (line.type === "sent") this.#sentAtMs.set(line.number, line.atMs);
    if (line.type !== "answered" || this.#answers.has(line.number)) return;
    // Whole words only: the product's own name, "node-agent", begins like a node's.
    const words = line.server.split(/[\s/]+/);
    const node = NODES.find((name) => words.includes(name)) ?? null;
    const sentAtMs = this.#sentAtMs.get(line.number) ?? line.atMs;
    this.#answers.set(line.number, { number: line.number, sentAtMs, atMs: line.atMs, status: line.status, node, from: line.from });
  }

  /** Requests sent so far. */
  get sent(): number {
    return this.#sentAtMs.size;
  }

  /** All answers so far, in order of arrival. */
  get answers(): readonly Answer[] {
    return [...this.#answers.values()];
  }

  /** Resolves with the first answer to a request sent after this call, from `node` if it is given. */
  async answeredBy(node: NodeName | null, withinMs = 10_000): Promise<Answer> {
    const fromMs = monotonicMs();
    const fits = (answer: Answer) => answer.sentAtMs >= fromMs && (node === null || answer.node === node);
    return waitUntil(`an answer by ${node ?? "any node"}`, () => this.answers.findLast(fits), withinMs);
  }

  /** Resolves when nothing was answered for so long. */
  async silentFor(silenceMs: number, withinMs = 10_000): Promise<void> {
    const silence = () => monotonicMs() - (this.answers.at(-1)?.atMs ?? 0);
    await waitUntil(`${silenceMs} ms without an answer`, () => silence() >= silenceMs, withinMs);
  }

  /** What was measured since the first answer (or since `sinceMs`); `outageOverMs` says which gaps count as outages (default 300). */
  report(options: { readonly outageOverMs?: number; readonly sinceMs?: number } = {}): CallerReport {
    const nowMs = monotonicMs();
    const sinceMs = options.sinceMs ?? 0;
    const answers = this.answers.filter((answer) => answer.atMs >= sinceMs);
    const gaps = answers.map((answer, index): Outage => {
      const next = answers[index + 1];
      const lengthMs = (next?.atMs ?? nowMs) - answer.atMs;
      return { startMs: answer.atMs, endMs: next?.atMs ?? null, lengthMs, before: answer.node, after: next?.node ?? null };
    });
    const byNode: Partial<Record<NodeName, number>> = {};
    for (const { node } of answers) if (node !== null) byNode[node] = (byNode[node] ?? 0) + 1;
    const sent = [...this.#sentAtMs].filter(([, atMs]) => atMs >= sinceMs);
    return {
      sent: sent.length,
      answered: answers.length,
      lost: sent.filter(([number, atMs]) => !this.#answers.has(number) && nowMs - atMs > 500).length,
      longestGapMs: Math.max(0, ...gaps.map((gap) => gap.lengthMs)),
      outages: gaps.filter((gap) => gap.lengthMs > (options.outageOverMs ?? 300)),
      byNode,
    };
  }

  /** Ends the process and resolves with the final report. */
  async stop(): Promise<CallerReport> {
    await this.#process?.end();
    return this.report();
  }
}
