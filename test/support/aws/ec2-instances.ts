/** EC2's instances, as far as ec2-model.ts needs them: their states, starts and status checks, and the public address that a subnet gives by itself. */
import { dryRunSucceeded, Ec2Error } from "./ec2-limits.ts";
import type { Ec2Answer, Ec2Request, Ec2WorldSpec, InstanceStateName, StatusView } from "./ec2-shapes.ts";

/** One, with its interfaces by id, the first the primary one. */
export interface Instance {
  readonly id: string;
  readonly availabilityZone: string;
  readonly interfaces: string[];
  state: InstanceStateName;
  impaired: boolean;
  /** The public address that the subnet gives by itself, and since when it is there; null: the subnet gives none. */
  autoPublicIp: { readonly address: string; fromMs: number } | null;
}

/** A stopped association gives the automatic address back "within a few minutes" (VPC guide, Elastic IP addresses): ms. */
const AUTO_PUBLIC_IP_BACK_MS = 180_000;

/** All instances of a world. */
export class Ec2Instances {
  readonly #byId = new Map<string, Instance>();
  readonly #startListeners: ((instanceId: string) => void)[] = [];

  /** All of them run and are well. */
  constructor(specs: Ec2WorldSpec["instances"]) {
    for (const { id, availabilityZone, interfaces, autoPublicIp } of specs) {
      this.#byId.set(id, { id, availabilityZone, interfaces: interfaces.map((one) => one.id), state: "running", impaired: false, autoPublicIp: autoPublicIp === undefined ? null : { address: autoPublicIp, fromMs: -Infinity } });
    }
  }

  onStarted(listener: (instanceId: string) => void): void {
    this.#startListeners.push(listener);
  }

  /** @throws Ec2Error when there is none of that id */
  get(id: string): Instance {
    const instance = this.#byId.get(id);
    if (instance === undefined) throw new Ec2Error("InvalidInstanceID.NotFound", `The instance ID '${id}' does not exist`);
    return instance;
  }

  set(id: string, change: { readonly state?: InstanceStateName; readonly impaired?: boolean }): void {
    const instance = this.get(id);
    instance.state = change.state ?? instance.state;
    instance.impaired = change.impaired ?? instance.impaired;
  }

  /** An Elastic IP has come: the automatic address is released. */
  takeAutomaticAddress(id: string): void {
    const { autoPublicIp } = this.get(id);
    if (autoPublicIp !== null) autoPublicIp.fromMs = Infinity;
  }

  /** The Elastic IP has gone: the automatic address comes back in a while. */
  returnAutomaticAddress(id: string, nowMs: number): void {
    const instance = this.#byId.get(id);
    if (instance?.autoPublicIp != null && instance.interfaces.length === 1) instance.autoPublicIp.fromMs = nowMs + AUTO_PUBLIC_IP_BACK_MS;
  }

  start(request: Ec2Request & { action: "StartInstances" }): Ec2Answer {
    const asked = request.instanceIds.map((id) => this.get(id));
    if (request.dryRun) throw dryRunSucceeded();
    // "IncorrectInstanceState" is EC2's answer for an instance that is stopping, say (API reference, error codes). Assumed: one that runs already stays as it is.
    const unable = asked.find(({ state }) => state === "stopping" || state === "shutting-down" || state === "terminated");
    if (unable !== undefined) throw new Ec2Error("IncorrectInstanceState", `The instance '${unable.id}' is not in a state from which it can be started.`);
    return {
      kind: "started",
      instances: asked.map((instance) => {
        const was = instance.state;
        if (was === "stopped") {
          instance.state = "pending";
          for (const listener of this.#startListeners) listener(instance.id);
        }
        return { instanceId: instance.id, was, is: instance.state };
      }),
    };
  }

  statuses(request: Ec2Request & { action: "DescribeInstanceStatus" }): StatusView[] {
    const asked = request.instanceIds.map((id) => this.get(id));
    // "IncludeAllInstances: when false, includes the health status for running instances only" (API reference).
    return asked
      .filter((one) => request.includeAllInstances || one.state === "running")
      .map((one) => {
        // Checks are "not-applicable" for an instance that does not run (same page).
        const check = one.state !== "running" ? "not-applicable" : one.impaired ? "impaired" : "ok";
        return { InstanceId: one.id, AvailabilityZone: one.availabilityZone, InstanceState: { Name: one.state }, InstanceStatus: { Status: check }, SystemStatus: { Status: one.state === "running" ? "ok" : "not-applicable" } };
      });
  }
}

/** The public address that the subnet gave it, while it has it. */
export function automaticAddress({ autoPublicIp }: Instance, nowMs: number): string | null {
  return autoPublicIp !== null && nowMs >= autoPublicIp.fromMs ? autoPublicIp.address : null;
}
