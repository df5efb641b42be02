/** Does something to many clusters, so many at a time, and begins no further one after the first failure. */

export interface Rolled {
  readonly cluster: string;
  readonly outcome: "done" | "failed" | "not begun";
  readonly says: string;
}

/** How one went. */
export interface Acted {
  readonly ok: boolean;
  readonly says: string;
}

/**
 * In the order given. What is under way when one fails is let finish: breaking it off would leave a second cluster in between.
 * @param act never rejects for a cluster's own failure
 */
export async function roll(clusters: readonly string[], atATime: number, act: (cluster: string) => Promise<Acted>): Promise<readonly Rolled[]> {
  const results = new Map<string, Rolled>();
  const waiting = [...clusters];
  let failed = false;
  const worker = async (): Promise<void> => {
    for (let cluster = waiting.shift(); cluster !== undefined && !failed; cluster = waiting.shift()) {
      const { ok, says } = await act(cluster);
      failed ||= !ok;
      results.set(cluster, { cluster, outcome: ok ? "done" : "failed", says });
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, atATime) }, worker));
  return clusters.map((cluster) => results.get(cluster) ?? { cluster, outcome: "not begun", says: "another cluster failed before its turn" });
}
