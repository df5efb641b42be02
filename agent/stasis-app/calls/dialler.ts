/**
 * The campaigns' motor, on the active only: keeps the lease, claims as many calls as pacing allows and has them dialled, hangs up what was
 * cancelled, and gives calls of a lost node back to their campaigns. Everything is tried again in the next round, so a database that is away
 * only delays.
 */
import { pause } from "../../adapters/interruptible.ts";
import type { Campaign } from "../core/campaign.ts";
import { pace, spent, type Bucket, type Limits } from "../core/pacing.ts";
import { Rounds } from "../rounds.ts";
import type { CallBook } from "../store/call-book.ts";
import type { CallQueue } from "../store/call-queue.ts";
import type { Runner } from "./runner.ts";

export interface DiallerOptions {
  readonly campaigns: ReadonlyMap<string, Campaign>;
  readonly trunkLimits: ReadonlyMap<string, Limits>;
  readonly queue: CallQueue;
  readonly book: CallBook;
  readonly runner: Runner;
  readonly leaseMs: number;
  readonly monotonicMs: () => number;
  /** The node is the active, and was when the agent was last heard. */
  readonly isActive: () => boolean;
  /** It may begin calls: it is not draining, and Asterisk is there. */
  readonly mayDial: () => boolean;
  readonly onTrouble: (what: string, error: unknown) => void;
  readonly onCut: (count: number, node: string | null) => void;
}

const ROUND_MS = 100;
/** How often the lease is renewed, cancelled calls are looked for, and calls of lost nodes are. */
const UPKEEP_MS = 1_000;
/**
 * A connection that breaks during a COMMIT leaves in doubt whether it was done: the call may be ours in the database, and we never heard
 * of it. Such a call was not dialled. After so long nobody waits for that answer any more.
 */
const STRAY_AFTER_SECONDS = 15;
/** What a trunk may that no limit names. */
const TRUNK_DEFAULT: Limits = { callsPerSecond: 10, concurrent: 100 };

export class Dialler {
  readonly #options: DiallerOptions;
  #buckets: ReadonlyMap<string, Bucket> = new Map();
  #keptAtMs = -Infinity;
  #leasedAtMs = -Infinity;
  /** How often the lease was over before it was renewed. */
  #lapses = 0;
  readonly #rounds = new Rounds(() => this.#go());
  #wake = new AbortController();

  constructor(options: DiallerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#rounds.start();
  }

  /** Ends after the round that is under way. */
  async close(): Promise<void> {
    const closed = this.#rounds.close();
    this.poke();
    await closed;
  }

  /** A call was accepted, or the role has changed: does not wait for the next round. */
  poke(): void {
    this.#wake.abort();
  }

  /** The agent has named calls that a node lost. */
  async dropped(node: string): Promise<void> {
    const { book, onCut, onTrouble } = this.#options;
    try {
      const count = await book.cutOrphans(node);
      if (count > 0) onCut(count, node);
      this.poke();
    } catch (error) {
      // Its lease runs out, and then upkeep finds them.
      onTrouble("calls of a lost node could not be given back to their campaigns yet", error);
    }
  }

  async #go(): Promise<void> {
    this.#wake = new AbortController();
    try {
      if (this.#options.isActive()) await this.#round();
    } catch (error) {
      this.#options.onTrouble("the queue of calls can't be used", error);
    }
    await pause(ROUND_MS, this.#wake.signal);
  }

  async #round(): Promise<void> {
    const { monotonicMs, mayDial, queue } = this.#options;
    if (monotonicMs() - this.#keptAtMs >= UPKEEP_MS) await this.#upkeep();
    if (!mayDial()) return;
    const due = new Set(await queue.due());
    if (due.size > 0) await this.#claim(due);
  }

  async #upkeep(): Promise<void> {
    const { book, leaseMs, monotonicMs, onCut, queue, runner } = this.#options;
    const atMs = monotonicMs();
    await queue.renewLease(leaseMs);
    if (atMs - this.#leasedAtMs > leaseMs) this.#lapses += 1;
    this.#leasedAtMs = atMs;
    this.#keptAtMs = atMs;
    for (const channelId of await queue.toHangUp()) runner.hangUp(channelId);
    for (const channelId of await book.claimedBefore(STRAY_AFTER_SECONDS)) if (!runner.knows(channelId)) await book.ended(channelId, "failed", null);
    const count = await book.cutOrphans(null);
    if (count > 0) onCut(count, null);
  }

  async #claim(due: ReadonlySet<string>): Promise<void> {
    const { campaigns, leaseMs, monotonicMs, queue, runner, trunkLimits } = this.#options;
    const limitsOf = (trunk: string): Limits => trunkLimits.get(trunk) ?? trunkLimits.get("*") ?? TRUNK_DEFAULT;
    const loads = [...campaigns.values()].map((campaign) => {
      const running = runner.running(campaign.campaign);
      // A campaign with nothing to do takes no turn of its trunk.
      return { id: campaign.campaign, trunk: campaign.trunk, running, limits: due.has(campaign.campaign) ? campaign.pacing : { ...campaign.pacing, concurrent: running } };
    });
    const { buckets, rooms } = pace(loads, limitsOf, (trunk) => runner.onTrunk(trunk), this.#buckets, monotonicMs());
    this.#buckets = buckets;
    // A process that slept over its lease dials nothing: by now these calls may be another node's.
    const lapses = this.#lapses;
    const isOurs = (): boolean => this.#lapses === lapses && monotonicMs() - this.#leasedAtMs <= leaseMs;
    for (const [id, room] of rooms) {
      const campaign = campaigns.get(id);
      if (campaign === undefined) continue;
      const claimed = await queue.claim(id, room);
      this.#buckets = spent(this.#buckets, { id, trunk: campaign.trunk }, claimed.length);
      for (const row of claimed) runner.dial(row, campaign, isOurs);
    }
  }
}
