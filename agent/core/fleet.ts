/**
 * Every cluster of an account and region, as AWS knows it: addresses and instances by their tag `ClusterId`, nodes by `NodeId`,
 * readiness by the agents' own metrics. Pure; FleetPort asks.
 */

/** The last minute of each metric that a node has sent; null: none within the last minutes. */
export interface NodeMetrics {
  readonly serving: number | null;
  readonly claimReady: number | null;
  readonly eipHeld: number | null;
}

export interface FleetNode {
  readonly node: string;
  readonly instanceId: string;
  /** EC2's word: running, stopped, … */
  readonly state: string;
  readonly zone: string;
  readonly metrics: NodeMetrics;
}

export interface FleetCluster {
  readonly cluster: string;
  readonly allocationId: string;
  readonly publicIp: string;
  /** The instance that holds the address, as EC2 says; null: none, or an interface without an instance. */
  readonly holder: string | null;
  /** From the address's tags; null before the first claim. */
  readonly lastMove: { readonly at: string; readonly to: string; readonly reason: string } | null;
  readonly nodes: readonly FleetNode[];
}

/** How a command on a node goes on. `says` is its output. */
export interface CommandState {
  readonly ended: boolean;
  readonly ok: boolean;
  readonly says: string;
}

export interface FleetRow {
  readonly cluster: string;
  readonly address: string;
  /** A node, "nobody", or the stranger's instance. */
  readonly active: string;
  /** The node that would take over; null where there is none. */
  readonly standby: string | null;
  /** Why it could not; null: it could. */
  readonly notReady: string | null;
  readonly lastMove: string;
}

/** One line a cluster. */
export function fleetRow({ cluster, publicIp, holder, nodes, lastMove }: FleetCluster): FleetRow {
  const active = nodes.find(({ instanceId }) => instanceId === holder);
  const standbys = nodes.filter((node) => node !== active).toSorted((a, b) => (a.node < b.node ? -1 : 1));
  const standby = standbys.find((node) => notReadyBecause(node) === null) ?? standbys[0] ?? null;
  return {
    cluster,
    address: publicIp,
    active: active?.node ?? (holder === null ? "nobody" : `a stranger (${holder})`),
    standby: standby?.node ?? null,
    notReady: standby === null ? "there is no standby" : notReadyBecause(standby),
    lastMove: lastMove === null ? "none known" : `${lastMove.at} to ${lastMove.to}: ${lastMove.reason}`,
  };
}

/** Why this node could not take the address now; null: it could, by EC2 and by its own metrics of the last minutes. */
export function notReadyBecause({ state, metrics }: FleetNode): string | null {
  if (state !== "running") return `its instance is ${state}`;
  if (metrics.serving === null) return "it sends no metrics";
  if (metrics.serving < 0.5) return "its Asterisk takes no calls";
  return metrics.claimReady !== null && metrics.claimReady >= 1 ? null : "its dry run of a claim fails";
}
