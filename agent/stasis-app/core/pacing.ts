/**
 * How many calls may be started now: per second and at once, for each campaign and for the trunk that several may share.
 * A bucket fills with the rate and holds at most one call and a tenth of a second's worth, so that calls come evenly.
 */

export interface Limits {
  readonly callsPerSecond: number;
  readonly concurrent: number;
}

/** Started calls that have not been paid for by time yet; monotonic. */
export interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

export interface CampaignLoad {
  readonly id: string;
  readonly trunk: string;
  readonly limits: Limits;
  /** Calls that are being dialled or are up. */
  readonly running: number;
}

export interface Pace {
  readonly buckets: ReadonlyMap<string, Bucket>;
  /** By campaign: how many may be started. */
  readonly rooms: ReadonlyMap<string, number>;
}

/** The PJSIP endpoint of a channel, by Asterisk's name for it; null for other channels. */
export function endpointOf(channelName: string): string | null {
  return /^PJSIP\/(.+)-[0-9a-f]{8}$/.exec(channelName)?.[1] ?? null;
}

/** The PJSIP endpoint of what is to be dialled: a trunk for a number, or a phone's own; null for another technology's. */
export function dialledEndpointOf(dialled: string): string | null {
  return /^PJSIP\/(?:[^@/]+@)?([^@/]+)/.exec(dialled)?.[1] ?? null;
}

/** The bucket after time has passed; a new one holds one call. */
export function filled(bucket: Bucket | undefined, limits: Limits, nowMs: number): Bucket {
  const most = 1 + limits.callsPerSecond / 10;
  if (bucket === undefined) return { tokens: 1, atMs: nowMs };
  const passedMs = Math.max(0, nowMs - bucket.atMs);
  return { tokens: Math.min(most, bucket.tokens + (passedMs * limits.callsPerSecond) / 1000), atMs: nowMs };
}

/**
 * `onTrunk`: channels on a trunk, which are more than its campaigns' calls: callers, and agents who are called through it. Buckets are kept
 * under `campaign:NAME` and `trunk:NAME`. Campaigns of one trunk get its room in turns, one call at a time, the one with
 * the fewest calls first.
 */
export function pace(loads: readonly CampaignLoad[], trunks: (name: string) => Limits, onTrunk: (name: string) => number, buckets: ReadonlyMap<string, Bucket>, nowMs: number): Pace {
  const next = new Map<string, Bucket>();
  const rooms = new Map<string, number>();
  const left = new Map<string, number>();
  const fill = (key: string, limits: Limits, running: number): void => {
    const bucket = filled(buckets.get(key), limits, nowMs);
    next.set(key, bucket);
    left.set(key, Math.max(0, Math.min(Math.floor(bucket.tokens), limits.concurrent - running)));
  };
  for (const load of loads) fill(`campaign:${load.id}`, load.limits, load.running);
  for (const trunk of new Set(loads.map((load) => load.trunk))) fill(`trunk:${trunk}`, trunks(trunk), onTrunk(trunk));
  const inTurn = loads.toSorted((a, b) => a.running - b.running);
  for (let given = true; given; ) {
    given = false;
    for (const load of inTurn) {
      const keys = [`campaign:${load.id}`, `trunk:${load.trunk}`];
      if (keys.some((key) => (left.get(key) ?? 0) < 1)) continue;
      for (const key of keys) left.set(key, (left.get(key) ?? 0) - 1);
      rooms.set(load.id, (rooms.get(load.id) ?? 0) + 1);
      given = true;
    }
  }
  return { buckets: next, rooms };
}

/** Takes what was really started out of the buckets. */
export function spent(buckets: ReadonlyMap<string, Bucket>, load: Pick<CampaignLoad, "id" | "trunk">, count: number): ReadonlyMap<string, Bucket> {
  const next = new Map(buckets);
  for (const key of [`campaign:${load.id}`, `trunk:${load.trunk}`]) {
    const bucket = next.get(key);
    if (bucket !== undefined) next.set(key, { ...bucket, tokens: bucket.tokens - count });
  }
  return next;
}
