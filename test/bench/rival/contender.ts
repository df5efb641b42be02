/**
 * What is compared: two ways of keeping the Elastic IP on an Asterisk that answers, on the very same nodes, networks,
 * Asterisks and AWS. One is under way at a time; which one, alternates from run to run.
 */
import type { NodeName } from "../../support/lab/addresses.ts";
import type { Pair } from "../../support/lab/pair.ts";
import type { LabProcess } from "../../support/lab/process.ts";

export interface Contender {
  readonly name: string;
  /** Starts it on one node, from nothing: what an earlier run left behind is forgotten. */
  start(pair: Pair, node: NodeName): Promise<void>;
  /** Its process on that node. Throws when none was started. */
  processOn(node: NodeName): LabProcess;
  /** The nodes that take themselves for the active one. */
  actives(pair: Pair): Promise<readonly NodeName[]>;
  /** True when `active` is the active one and the other would take over: then a fault may come. */
  isSteady(pair: Pair, active: NodeName): Promise<boolean>;
  /** Ends it on both nodes at once, without letting either tell the other. */
  stop(): Promise<void>;
}
