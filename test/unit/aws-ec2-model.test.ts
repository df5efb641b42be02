/** The rules of EC2 that no adapter needs to know, but that the safety of the cluster rests on. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Ec2Error } from "../support/aws/ec2-limits.ts";
import { Ec2Model } from "../support/aws/ec2-model.ts";
import type { AddressMove, AddressView, Ec2Request } from "../support/aws/ec2-shapes.ts";

const EIP = "eipalloc-1";

function aModel(): Ec2Model {
  return new Ec2Model({
    instances: [
      { id: "i-a", availabilityZone: "x-1a", autoPublicIp: "203.0.113.1", interfaces: [{ id: "eni-a", privateIps: ["10.0.1.10", "10.0.1.11"] }] },
      { id: "i-b", availabilityZone: "x-1b", autoPublicIp: "203.0.113.2", interfaces: [{ id: "eni-b", privateIps: ["10.0.2.10"] }] },
      { id: "i-two", availabilityZone: "x-1b", interfaces: [{ id: "eni-c", privateIps: ["10.0.3.10"] }, { id: "eni-d", privateIps: ["10.0.3.11"] }] },
    ],
    addresses: [{ allocationId: EIP, publicIp: "198.51.100.7" }, { allocationId: "eipalloc-2", publicIp: "198.51.100.8", heldBy: "i-b" }],
  });
}

const associate = (change: Partial<Ec2Request & { action: "AssociateAddress" }>): Ec2Request => ({ action: "AssociateAddress", allocationId: EIP, instanceId: null, networkInterfaceId: null, privateIpAddress: null, allowReassociation: null, dryRun: false, ...change });

function refusedWith(code: string, run: () => unknown): void {
  assert.throws(run, (error) => error instanceof Ec2Error && error.code === code);
}

describe("Ec2Model", () => {
  const view = (model: Ec2Model, nowMs: number, lagMs = 0): AddressView | undefined => {
    const answer = model.execute({ action: "DescribeAddresses", allocationIds: [EIP] }, nowMs, lagMs);
    return answer.kind === "addresses" ? answer.addresses[0] : undefined;
  };

  it("reassociates when the flag is left out, and gives a new association id", () => {
    const model = aModel();
    model.execute(associate({ instanceId: "i-a" }), 0);
    const first = view(model, 0)?.AssociationId;
    model.execute(associate({ instanceId: "i-b" }), 1);
    assert.equal(view(model, 1)?.InstanceId, "i-b");
    assert.notEqual(view(model, 1)?.AssociationId, first);
  });

  it("takes the address that the target had before away from it", () => {
    const model = aModel();
    model.execute(associate({ instanceId: "i-b", allowReassociation: true }), 0);
    assert.equal(model.locate("eipalloc-2"), null);
  });

  it("refuses an instance with two interfaces, and takes its interface", () => {
    const model = aModel();
    refusedWith("InvalidInstanceID", () => model.execute(associate({ instanceId: "i-two" }), 0));
    model.execute(associate({ networkInterfaceId: "eni-d" }), 0);
    assert.equal(view(model, 0)?.InstanceId, "i-two");
  });

  it("puts the address on a secondary private address when it is named", () => {
    const model = aModel();
    model.execute(associate({ networkInterfaceId: "eni-a", privateIpAddress: "10.0.1.11" }), 0);
    assert.equal(view(model, 0)?.PrivateIpAddress, "10.0.1.11");
    refusedWith("InvalidParameterValue", () => model.execute(associate({ networkInterfaceId: "eni-a", privateIpAddress: "10.0.9.9" }), 0));
  });

  it("knows what it does not know", () => {
    const model = aModel();
    refusedWith("InvalidAllocationID.NotFound", () => model.execute(associate({ allocationId: "eipalloc-9", instanceId: "i-a" }), 0));
    refusedWith("InvalidInstanceID.NotFound", () => model.execute(associate({ instanceId: "i-9" }), 0));
    refusedWith("InvalidNetworkInterfaceID.NotFound", () => model.execute(associate({ networkInterfaceId: "eni-9" }), 0));
    refusedWith("MissingParameter", () => model.execute(associate({}), 0));
    refusedWith("InvalidAssociationID.NotFound", () => model.execute({ action: "DisassociateAddress", associationId: "eipassoc-9", dryRun: false }, 0));
  });

  it("keeps the address on a stopped instance, and takes it from there", () => {
    const model = aModel();
    model.place(EIP, { instanceId: "i-a" }, 0);
    model.setInstance("i-a", { state: "stopped" });
    assert.equal(view(model, 1)?.InstanceId, "i-a");
    model.execute(associate({ instanceId: "i-b", allowReassociation: true }), 1);
    assert.equal(view(model, 1)?.InstanceId, "i-b");
  });

  it("shows instances that do not run only when asked for all", () => {
    const model = aModel();
    model.setInstance("i-a", { state: "stopped" });
    const count = (includeAllInstances: boolean): number => {
      const answer = model.execute({ action: "DescribeInstanceStatus", instanceIds: ["i-a"], includeAllInstances }, 0);
      return answer.kind === "statuses" ? answer.statuses.length : -1;
    };
    assert.deepEqual([count(false), count(true)], [0, 1]);
  });

  it("releases the automatic public address while the Elastic IP is there, and gives it back minutes later", () => {
    const model = aModel();
    assert.equal(model.publicIpOf("i-a", 0), "203.0.113.1");
    model.execute(associate({ instanceId: "i-a" }), 0);
    assert.equal(model.publicIpOf("i-a", 0), "198.51.100.7");
    model.execute(associate({ instanceId: "i-b" }), 1000);
    assert.equal(model.publicIpOf("i-a", 2000), null);
    assert.equal(model.publicIpOf("i-a", 600_000), "203.0.113.1");
  });

  it("shows the past to a read that lags", () => {
    const model = aModel();
    model.execute(associate({ instanceId: "i-a" }), 1000);
    assert.equal(view(model, 2000, 1500)?.InstanceId, undefined);
    assert.equal(view(model, 2000, 500)?.InstanceId, "i-a");
  });

  it("throttles a burst beyond the documented bucket, by action, and recovers with its refill", () => {
    const model = aModel();
    const claimOnce = (nowMs: number): unknown => model.execute(associate({ instanceId: "i-a" }), nowMs);
    for (let index = 0; index < 50; index += 1) claimOnce(0);
    refusedWith("RequestLimitExceeded", () => claimOnce(0));
    view(model, 0);
    claimOnce(200);
    refusedWith("RequestLimitExceeded", () => claimOnce(200));
  });

  it("tells every move, with where it came from and went to", () => {
    const model = aModel();
    const moves: AddressMove[] = [];
    model.onAddressMoved((move) => moves.push(move));
    model.execute(associate({ instanceId: "i-a" }), 5);
    model.execute(associate({ instanceId: "i-a" }), 6);
    model.place(EIP, null, 7);
    assert.deepEqual(moves.map((move) => [move.from?.privateIp ?? null, move.to?.privateIp ?? null, move.atMs]), [[null, "10.0.1.10", 5], ["10.0.1.10", null, 7]]);
  });
});
