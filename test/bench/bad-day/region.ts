/**
 * One zone of a region dies under many pairs of one account. All of them are clusters of the simulation, the production
 * core and driver included, in one virtual time and on one account's request limits; or scripts on the same limits. From
 * one seed, so that a run can be made again.
 */
import { Ec2Error, RequestBuckets } from "../../support/aws/ec2-limits.ts";
import { SimCluster } from "../../simulation/cluster.ts";
import { seededChance, VirtualTime } from "../../simulation/virtual-time.ts";
import { sdkWaitMs, type Strategy } from "./strategies.ts";

/** Starting all at one instant would be a bad day of its own: the agents start anywhere within this time (ms) … */
const START_SPREAD_MS = 5_000;
/** … and have come to rest after so long. */
const WARM_UP_MS = 20_000;
/** A region does not die in an instant either: the machines of the zone go within this time (ms). */
const DYING_MS = 500;
const LOOK_EVERY_MS = 1_000;
/** A script notices after about as long as an agent does (ms), and its call takes so long. */
const SCRIPT_NOTICES_MS = { least: 1_500, spread: 1_000 } as const;
const CALL_MS = 300;
/** A coarser tick than the default: a thousand pairs are simulated in half the time, and claims come at most so much later. */
export const TICK_MS = 125;
const DEAD = "node-a";
const ALIVE = "node-b";

export interface BadDaySpec {
  readonly pairs: number;
  readonly seed: number;
  readonly strategy: Strategy;
  /** How long is looked at most (ms). */
  readonly withinMs: number;
}

export interface BadDay {
  readonly pairs: number;
  readonly strategy: string;
  /** When each address was on the living node, after its active had died (ms), the quickest first. Those that never were are missing. */
  readonly servedMs: readonly number[];
  /** Calls in that time, and how many of them EC2 refused for the account's limits. */
  readonly calls: Readonly<Record<string, { readonly asked: number; readonly refused: number }>>;
}

/** The account's limits, which count what is asked of them. Before the bad day there are none: the buckets are full when it begins. */
class CountedBuckets extends RequestBuckets {
  readonly calls: Record<string, { asked: number; refused: number }> = {};
  begun = false;

  override take(action: string, nowMs: number): void {
    if (!this.begun) return;
    const count = (this.calls[action] ??= { asked: 0, refused: 0 });
    count.asked += 1;
    try {
      super.take(action, nowMs);
    } catch (error) {
      count.refused += 1;
      throw error;
    }
  }
}

export function badDay(spec: BadDaySpec): BadDay {
  const buckets = new CountedBuckets();
  const servedMs = spec.strategy.knobs === null ? scripts(spec, buckets) : agents(spec, buckets, spec.strategy.knobs);
  return { pairs: spec.pairs, strategy: spec.strategy.name, servedMs: servedMs.toSorted((one, other) => one - other), calls: buckets.calls };
}

function agents({ pairs, seed, withinMs }: BadDaySpec, buckets: CountedBuckets, knobs: Readonly<Record<string, string>>): readonly number[] {
  const time = new VirtualTime();
  const chance = seededChance(seed, time);
  const clusters = Array.from({ length: pairs }, (_, index) => {
    const cluster = new SimCluster({ seed: seed * 1_000_003 + index, nodes: 2, witnesses: 0, holder: DEAD, knobs: { TICK_INTERVAL_MS: String(TICK_MS), ...knobs }, account: { time, buckets } });
    time.after(START_SPREAD_MS * chance("start")(), () => { cluster.startAll(); });
    return cluster;
  });
  time.runUntil(WARM_UP_MS);
  const unready = clusters.filter((cluster) => cluster.member(DEAD).state?.role !== "active" || cluster.member(ALIVE).state?.role !== "standby");
  if (unready.length > 0) throw new Error(`${unready.length} of ${pairs} pairs had not come to rest before the bad day`);
  buckets.begun = true;
  const served: number[] = [];
  for (const cluster of clusters) {
    time.after(DYING_MS * chance("dying")(), () => {
      const diedAtMs = time.nowMs;
      cluster.powerOff(DEAD);
      cluster.cloud.model.onAddressMoved(() => { if (cluster.cloud.holder() === ALIVE) served.push(time.nowMs - diedAtMs); });
    });
  }
  const untilMs = time.nowMs + withinMs;
  while (served.length < pairs && time.nowMs < untilMs) time.runUntil(time.nowMs + LOOK_EVERY_MS);
  const broken = clusters.flatMap((cluster) => cluster.brokenInvariants);
  if (broken.length > 0) throw new Error(`an agent found itself broken: ${broken[0] ?? ""}`);
  return served;
}

function scripts({ pairs, seed, withinMs }: BadDaySpec, buckets: CountedBuckets): readonly number[] {
  const time = new VirtualTime();
  const chance = seededChance(seed, time);
  buckets.begun = true;
  const served: number[] = [];
  const attempt = (made: number, diedAtMs: number): void => {
    try {
      buckets.take("AssociateAddress", time.nowMs);
      served.push(time.nowMs - diedAtMs);
    } catch (error) {
      if (!(error instanceof Ec2Error)) throw error;
      const waitMs = sdkWaitMs(made, chance("wait")());
      if (waitMs !== null) time.after(CALL_MS + waitMs, () => { attempt(made + 1, diedAtMs); });
    }
  };
  for (let pair = 0; pair < pairs; pair += 1) {
    const diedAtMs = DYING_MS * chance("dying")();
    time.at(diedAtMs + SCRIPT_NOTICES_MS.least + SCRIPT_NOTICES_MS.spread * chance("notice")() + CALL_MS / 2, () => { attempt(1, diedAtMs); });
  }
  time.runUntil(withinMs);
  return served;
}
