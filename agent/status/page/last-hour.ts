/**
 * The last hour for the page's charts: one sample a second in rings of numbers, made when the agent starts and never again. It
 * lives in memory only, is read by the page only, and decides nothing. About 70 bytes a sample: 250 kB with six members.
 */
import { canServe, probeHealth, type Serving } from "../../core/health.ts";
import type { CoreConfig } from "../../core/settings.ts";
import type { State } from "../../core/state.ts";
import { hearing } from "../../core/suspicion.ts";
import type { MonotonicMs } from "../../core/types.ts";

/** One hour at one sample a second. */
const SAMPLES_MAX = 3_600;
const SAMPLE_INTERVAL_MS = 1_000;

/** What a node's Asterisk was in a sample, as a number: the lower, the worse. `silent`: nothing is known of it. */
const SERVING_STATES = ["silent", "down", "degraded", "serving"] as const;
export type ServingState = (typeof SERVING_STATES)[number];

/** A stretch of time cut into equal parts, for a chart. */
export interface Span {
  readonly fromMs: MonotonicMs;
  readonly toMs: MonotonicMs;
  readonly parts: number;
}

/** The measurements of one line of a chart. NaN: nothing was measured. */
type Track = Float32Array;

/** Samples once a second, whatever the number of steps. */
export class LastHour {
  readonly #config: CoreConfig;
  readonly #size: number;
  readonly #at: Float64Array;
  readonly #tracks = new Map<string, Track>();
  readonly #serving = new Map<string, Uint8Array>();
  /** Index in #serving's order plus one; 0 when none of them holds the address. */
  readonly #holder: Uint8Array;
  #count = 0;
  #next = 0;
  #sampledAtMs = -Infinity;

  constructor(config: CoreConfig, size = SAMPLES_MAX) {
    this.#config = config;
    this.#size = size;
    this.#at = new Float64Array(size);
    this.#holder = new Uint8Array(size);
    const nodes = config.kind === "witness" ? config.peers : [config.nodeId, ...config.peers];
    const latencies = config.kind === "witness" ? [] : ["ari", "sip"];
    const names = [...latencies, ...[...config.peers, ...config.witnesses].map((id) => `rtt:${id}`), ...nodes.map((id) => `calls:${id}`)];
    for (const name of names) this.#tracks.set(name, new Float32Array(size));
    for (const id of nodes) this.#serving.set(id, new Uint8Array(size));
  }

  /** The nodes whose Asterisk and calls are kept, this one first. */
  get nodes(): readonly string[] {
    return [...this.#serving.keys()];
  }

  /** Looks at a state; keeps it when a second has passed since the last one. Costs a comparison otherwise. */
  observe(state: State): void {
    if (state.nowMs - this.#sampledAtMs < SAMPLE_INTERVAL_MS) return;
    this.#sampledAtMs = state.nowMs;
    const at = this.#next;
    this.#next = (at + 1) % this.#size;
    this.#count = Math.min(this.#count + 1, this.#size);
    this.#at[at] = state.nowMs;
    const holder = state.ownership.holder;
    this.#holder[at] = holder?.kind === "node" ? this.nodes.indexOf(holder.node) + 1 : 0;
    for (const [name, track] of this.#tracks) track[at] = this.#measured(name, state) ?? NaN;
    for (const [id, states] of this.#serving) states[at] = SERVING_STATES.indexOf(this.#servingOf(id, state));
  }

  #measured(name: string, state: State): number | null {
    const [kind = "", id = ""] = name.split(":");
    if (kind === "rtt") return this.#hears(id, state) ? (state.members[id]?.rttMs ?? null) : null;
    if (kind === "calls") {
      if (id === this.#config.nodeId) return canServe(state.health.serving) ? state.health.calls : 0;
      return this.#hears(id, state) ? (state.members[id]?.heartbeat?.calls ?? null) : null;
    }
    const row = probeHealth(state.health, kind === "ari" ? "ari" : "sip");
    return row.hits > 0 ? row.latencyMs : null;
  }

  #servingOf(id: string, state: State): ServingState {
    if (id === this.#config.nodeId) return known(state.health.serving);
    return this.#hears(id, state) ? known(state.members[id]?.heartbeat?.serving ?? "unknown") : "silent";
  }

  #hears(id: string, state: State): boolean {
    return ["heard", "late"].includes(hearing(state.members[id], state.nowMs, this.#config));
  }

  /** From the oldest sample within `longestMs` to the newest, but at least `shortestMs`; null before the first sample. */
  span(shortestMs: number, longestMs: number, parts: number): Span | null {
    if (this.#count === 0) return null;
    const toMs = this.#at[(this.#next + this.#size - 1) % this.#size] ?? 0;
    const oldestMs = this.#at[this.#count < this.#size ? 0 : this.#next] ?? 0;
    const longMs = Math.min(longestMs, Math.max(shortestMs, toMs - oldestMs));
    return { fromMs: toMs - longMs, toMs, parts };
  }

  /** The highest measurement in each part of a span, so that a short spike is not lost; null where there is none. */
  highest(name: string, span: Span): readonly (number | null)[] {
    const track = this.#tracks.get(name);
    const found = Array<number | null>(span.parts).fill(null);
    this.#each(span, (index, part) => {
      const value = track?.[index] ?? NaN;
      if (!Number.isNaN(value)) found[part] = Math.max(found[part] ?? -Infinity, value);
    });
    return found;
  }

  /** The worst state of a node's Asterisk in each part of a span; null where there is no sample. */
  worst(id: string, span: Span): readonly (ServingState | null)[] {
    const states = this.#serving.get(id);
    const found = Array<number | null>(span.parts).fill(null);
    this.#each(span, (index, part) => { found[part] = Math.min(found[part] ?? Infinity, states?.[index] ?? 0); });
    return found.map((state) => (state === null ? null : (SERVING_STATES[state] ?? "silent")));
  }

  /** Where the address was last in each part of a span; null where no node held it or nothing is known. */
  holders(span: Span): readonly (string | null)[] {
    const found = Array<string | null>(span.parts).fill(null);
    this.#each(span, (index, part) => { found[part] = this.nodes[(this.#holder[index] ?? 0) - 1] ?? null; });
    return found;
  }

  /** Every sample within the span, the oldest first, with the part that it falls into. */
  #each({ fromMs, toMs, parts }: Span, visit: (index: number, part: number) => void): void {
    const partMs = Math.max(1, toMs - fromMs) / parts;
    for (let back = this.#count; back > 0; back -= 1) {
      const index = (this.#next + this.#size - back) % this.#size;
      const atMs = this.#at[index] ?? 0;
      if (atMs >= fromMs) visit(index, Math.min(parts - 1, Math.floor((atMs - fromMs) / partMs)));
    }
  }
}

function known(serving: Serving): ServingState {
  return serving === "unknown" ? "silent" : serving;
}
