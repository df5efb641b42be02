/**
 * Ec2Cloud keeps the contract against moto, an emulator that others wrote: it keeps ours honest about the wire. Where
 * moto differs from AWS's documentation, or can't be made to show something, the capability is named below.
 */
import { performance } from "node:perf_hooks";
import { after, before, describe } from "node:test";
import { Ec2Cloud } from "../../agent/adapters/ec2-cloud.ts";
import { awsAccess, pointSdkTo } from "../support/aws/clients.ts";
import { motoSource } from "../support/aws/moto-source.ts";
import { makeMotoWorld } from "../support/aws/moto-world.ts";
import { describeCloudContract } from "./cloud-contract.ts";
import { type CloudCapability, type ClusterNode } from "./cloud-stand.ts";

/** What moto can't show. Its claims by interface are left out as a whole: it forgets the instance behind the interface. */
const LACKS: Partial<Record<CloudCapability, string>> = {
  faults: "moto neither throttles nor loses replies",
  "impaired-instances": "moto's status checks always pass",
  "final-termination": "moto starts a terminated instance",
  unreachable: "one moto serves the whole suite",
  "stale-reads": "moto is consistent at once",
};

const moto = motoSource();

describe("with moto", { skip: moto.missing ?? false }, () => {
  let server: Awaited<ReturnType<typeof moto.start>>;
  let restore = (): void => undefined;
  before(async () => {
    server = await moto.start();
    restore = pointSdkTo(server.url);
  });
  after(async () => {
    restore();
    await server.stop();
  });

  describeCloudContract(
    "Ec2Cloud by instance, moto",
    async () => {
      const world = await makeMotoWorld(server.url);
      const closers = [() => world.close()];
      const cloudOf = (node: ClusterNode): Ec2Cloud => {
        const access = awsAccess(node);
        const cloud = new Ec2Cloud({ ...access, allocationId: world.allocationId, instances: world.instances, self: node, target: { kind: "instance", instanceId: world.instances.get(node) ?? "" } });
        closers.push(() => {
          cloud.close();
          access.connection.close();
        });
        return cloud;
      };
      return {
        cloud: cloudOf,
        nowMs: () => performance.now(),
        place: (holder) => world.place(holder),
        setInstance: (node, state) => world.setInstance(node, state),
        fault: () => Promise.reject(new Error("moto has no faults")),
        setReachable: () => Promise.reject(new Error("one moto serves the whole suite")),
        tags: () => world.tags(),
        close: () => {
          for (const close of closers) close();
          return Promise.resolve();
        },
      };
    },
    LACKS,
  );
});
