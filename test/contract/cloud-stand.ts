/** Where the contract of clouds is tried: a world made anew for every test, and what is asked in nearly all of them. */
import { afterEach, beforeEach } from "node:test";
import type { Cloud } from "../../agent/ports.ts";
import type { Holder, InstanceState } from "../../agent/core/types.ts";
import type { FaultRule } from "../support/aws/faults.ts";

export type ClusterNode = "node-a" | "node-b";

/** What a place may be unable to show. */
export type CloudCapability =
  /** Faults can be injected: throttling, refusals, delays, lost replies. */
  | "faults"
  /** DescribeInstanceStatus can be made to show a failed check. */
  | "impaired-instances"
  /** This caller may start the other's instance. */
  | "starting"
  /** A terminated instance can't be started. */
  | "final-termination"
  /** AWS can be made unreachable, so that connecting is refused. */
  | "unreachable"
  /** Reads can be made to lag behind. */
  | "stale-reads"
  /** Time passes between the decision to claim and the request's leaving. */
  | "last-moment-check";

/** A world with two nodes and one address, which nobody holds at first. */
export interface CloudWorld {
  cloud(node: ClusterNode): Cloud;
  /** The clock by which notAfterMs is judged. */
  nowMs(): number;
  /** An operator's hand. A stranger with an instance id means: any instance outside the cluster. */
  place(holder: Holder): Promise<void>;
  setInstance(node: ClusterNode, state: InstanceState): Promise<void>;
  /** `caller` is a node's name. Capability "faults". */
  fault(rule: FaultRule & { readonly caller?: ClusterNode }): Promise<void>;
  /** AWS away or back, for everybody. Capability "unreachable". */
  setReachable(on: boolean): Promise<void>;
  /** The address's tags as they are now. */
  tags(): Promise<Readonly<Record<string, string>>>;
  close(): Promise<void>;
}

/** Long enough for a busy machine; nothing in this suite waits for it to pass. */
export const PATIENT_MS = 20_000;

export const NODE_A: Holder = { kind: "node", node: "node-a" };
export const NODE_B: Holder = { kind: "node", node: "node-b" };

/** The present test's world, and how its two nodes are asked. */
export interface CloudStand {
  readonly now: () => { readonly world: CloudWorld; readonly a: Cloud; readonly b: Cloud };
  /** Skips a test, with the reasons, where the place lacks what it needs. */
  readonly needs: (...capabilities: CloudCapability[]) => { readonly skip: string | false };
  /** As the driver's deadlines, after so many ms; AbortSignal.timeout() would not keep the process alive. */
  readonly after: (ms: number) => AbortSignal;
  readonly soon: () => AbortSignal;
  readonly holder: () => Promise<Holder>;
  readonly claim: (cloud: Cloud, allowReassociation: boolean) => Promise<void>;
}

/** Call it where tests are described. `lacks`: capability to reason. */
export function cloudStand(makeWorld: () => Promise<CloudWorld>, lacks: Partial<Record<CloudCapability, string>>): CloudStand {
  let made: { readonly world: CloudWorld; readonly a: Cloud; readonly b: Cloud } | null = null;
  let timers: NodeJS.Timeout[] = [];
  const now = (): { readonly world: CloudWorld; readonly a: Cloud; readonly b: Cloud } => {
    if (made === null) throw new Error("a world is there while a test runs only");
    return made;
  };
  const after = (ms: number): AbortSignal => {
    const controller = new AbortController();
    timers.push(setTimeout(() => controller.abort(), ms));
    return controller.signal;
  };
  const soon = (): AbortSignal => after(PATIENT_MS);

  beforeEach(async () => {
    const world = await makeWorld();
    made = { world, a: world.cloud("node-a"), b: world.cloud("node-b") };
  });
  afterEach(async () => {
    for (const timer of timers) clearTimeout(timer);
    timers = [];
    await now().world.close();
  });
  return {
    now, after, soon,
    needs: (...capabilities) => {
      const missing = capabilities.filter((one) => lacks[one] !== undefined);
      return { skip: missing.length === 0 ? false : missing.map((one) => `lacks ${one}: ${lacks[one] ?? ""}`).join("; ") };
    },
    holder: async () => (await now().a.readAddress(soon())).holder,
    claim: (cloud, allowReassociation) => cloud.claim({ allowReassociation, notAfterMs: now().world.nowMs() + PATIENT_MS }, soon()),
  };
}
