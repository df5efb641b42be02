// nodectl fleet without AWS: what a row says, how many at a time, where it stops, and one cluster's way through Systems Manager.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fleetText } from "../../agent/cli/fleet.ts";
import { fleetRow, notReadyBecause, type CommandState, type FleetCluster, type FleetNode } from "../../agent/core/fleet.ts";
import { AgentError } from "../../agent/errors.ts";
import { roll } from "../../agent/fleet/roll.ts";
import { switchCluster, type SwitchOptions } from "../../agent/fleet/switch-cluster.ts";
import type { FleetPort } from "../../agent/ports.ts";

const READY = { serving: 1, claimReady: 1, eipHeld: 0 };
const node = (name: string, changes: Partial<FleetNode> = {}): FleetNode => ({ node: name, instanceId: `i-0${name}`, state: "running", zone: "eu-central-1a", metrics: READY, ...changes });
const CLUSTER: FleetCluster = { cluster: "one", allocationId: "eipalloc-1", publicIp: "203.0.113.10", holder: "i-0node-a", lastMove: { at: "2026-11-20T12:00:01.500Z", to: "node-a", reason: "node-b is gone" }, nodes: [node("node-a"), node("node-b")] };

describe("a row of nodectl fleet status", () => {
  it("names the active, the standby and whether it is ready, and the last move", () => {
    assert.deepEqual(fleetRow(CLUSTER), { cluster: "one", address: "203.0.113.10", active: "node-a", standby: "node-b", notReady: null, lastMove: "2026-11-20T12:00:01.500Z to node-a: node-b is gone" });
    assert.equal(fleetRow({ ...CLUSTER, holder: null }).active, "nobody");
    assert.equal(fleetRow({ ...CLUSTER, holder: "i-0x" }).active, "a stranger (i-0x)");
    assert.equal(fleetRow({ ...CLUSTER, nodes: [node("node-a")] }).notReady, "there is no standby");
    assert.equal(fleetRow({ ...CLUSTER, nodes: [node("node-a"), node("node-b", { state: "stopped" }), node("node-c")] }).standby, "node-c");
  });

  it("says why a standby is not ready", () => {
    assert.equal(notReadyBecause(node("b", { state: "stopped" })), "its instance is stopped");
    assert.equal(notReadyBecause(node("b", { metrics: { ...READY, serving: null } })), "it sends no metrics");
    assert.equal(notReadyBecause(node("b", { metrics: { ...READY, serving: 0.2 } })), "its Asterisk takes no calls");
    assert.equal(notReadyBecause(node("b", { metrics: { ...READY, claimReady: 0 } })), "its dry run of a claim fails");
  });

  it("is a line of a table that fits, with a sentence for what is wrong", () => {
    const lines = fleetText([fleetRow(CLUSTER), fleetRow({ ...CLUSTER, cluster: "two", nodes: [node("node-a"), node("node-b", { state: "stopped" })] })], "eu-central-1", 80);
    assert.match(lines[0] ?? "", /^cluster +address +active +standby +ready +last move$/);
    assert.match(lines[1] ?? "", /^one +203\.0\.113\.10 +node-a +node-b +yes +2026-11-20 12:00:01Z to node-a: /);
    assert.equal(lines.at(-1), "two: node-b could not take over: its instance is stopped");
    assert.ok(lines.slice(0, 3).every((line) => line.length <= 80));
    assert.match(fleetText([], "eu-central-1", 80)[0] ?? "", /No address in eu-central-1 has the tag ClusterId/);
  });
});

describe("many clusters", () => {
  it("go so many at a time, in order", async () => {
    let underWay = 0;
    let most = 0;
    const begun: string[] = [];
    const rolled = await roll(["a", "b", "c", "d", "e"], 2, async (cluster) => {
      begun.push(cluster);
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise((resolve) => { setImmediate(resolve); });
      underWay -= 1;
      return { ok: true, says: "" };
    });
    assert.deepEqual([most, begun], [2, ["a", "b", "c", "d", "e"]]);
    assert.ok(rolled.every(({ outcome }) => outcome === "done"));
  });

  it("stop at the first failure: what is under way ends, nothing further begins", async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => { release = resolve; });
    const rolling = roll(["a", "b", "c", "d"], 2, async (cluster) => {
      if (cluster === "a") await held;
      if (cluster === "b") release();
      return { ok: cluster !== "b", says: cluster };
    });
    assert.deepEqual((await rolling).map(({ cluster, outcome }) => `${cluster} ${outcome}`), ["a done", "b failed", "c not begun", "d not begun"]);
  });
});

/** AWS as one cluster sees it: the command ends after some looks, and the address moves when it says so. */
class OneCluster implements FleetPort {
  facts: FleetCluster = CLUSTER;
  readonly asked: string[] = [];
  end: CommandState = { ended: true, ok: true, says: "node-b has the address.\n" };
  moves = true;
  #looks = 0;
  clusters(): Promise<readonly FleetCluster[]> {
    this.#looks += 1;
    if (this.asked.some((call) => call.startsWith("start")) && this.#looks > 2) this.facts = { ...this.facts, nodes: [node("node-a"), node("node-b")] };
    return Promise.resolve([this.facts]);
  }
  holder(): Promise<string | null> { return Promise.resolve(this.moves ? "i-0node-b" : "i-0node-a"); }
  askSwitchover(cluster: string, instanceId: string, drain: string): Promise<string> { this.asked.push(`${cluster} ${instanceId} ${drain}`); return Promise.resolve("cmd"); }
  commandState(): Promise<CommandState> { this.#looks += 1; return Promise.resolve(this.#looks < 3 ? { ended: false, ok: false, says: "" } : this.end); }
  start(instanceId: string): Promise<void> { this.asked.push(`start ${instanceId}`); return Promise.resolve(); }
}

/** Time passes only while it waits. */
function options(changes: Partial<SwitchOptions> = {}): SwitchOptions {
  let nowMs = 0;
  return { drain: "10m", drainMs: 600_000, startStopped: false, lookEveryMs: 2_000, readyWithinMs: 60_000, movedWithinMs: 10_000, tell: () => undefined, nowMs: () => nowMs, wait: (ms) => { nowMs += ms; return Promise.resolve(); }, ...changes };
}

describe("one cluster's switchover from afar", () => {
  it("asks the active by its document, waits until it has ended, and believes EC2", async () => {
    const port = new OneCluster();
    assert.deepEqual(await switchCluster(port, CLUSTER, options()), { ok: true, says: "The address is on node-b." });
    assert.deepEqual(port.asked, ["one i-0node-a 10m"]);
  });

  it("fails with the node's own sentence, and when EC2 shows no move", async () => {
    const refused = new OneCluster();
    refused.end = { ended: true, ok: false, says: "before: …\nRefused: node-b is not heard.\n" };
    assert.deepEqual(await switchCluster(refused, CLUSTER, options()), { ok: false, says: "Refused: node-b is not heard." });
    const still = new OneCluster();
    still.moves = false;
    assert.match((await switchCluster(still, CLUSTER, options())).says, /^The node says that it is done, but EC2 does not show/);
    const endless = new OneCluster();
    endless.end = { ended: false, ok: false, says: "" };
    assert.match((await switchCluster(endless, CLUSTER, options())).says, /has not ended in time/);
  });

  it("refuses where there is no ready standby or the address is a stranger's, and asks nobody", async () => {
    const port = new OneCluster();
    const stopped = { ...CLUSTER, nodes: [node("node-a"), node("node-b", { state: "stopped" })] };
    assert.match((await switchCluster(port, { ...CLUSTER, holder: "i-0x" }, options())).says, /^Refused: the address is on a stranger/);
    assert.match((await switchCluster(port, { ...CLUSTER, nodes: [node("node-a"), node("node-b", { metrics: { ...READY, claimReady: 0 } })] }, options())).says, /^Refused: node-b: its dry run/);
    assert.match((await switchCluster(port, stopped, options())).says, /--start-stopped starts it first/);
    assert.deepEqual(port.asked, []);
  });

  it("starts a stopped standby, waits until it is ready, and uses it; or says that it did not become ready", async () => {
    const stopped = { ...CLUSTER, nodes: [node("node-a"), node("node-b", { state: "stopped" })] };
    const port = new OneCluster();
    port.facts = stopped;
    assert.equal((await switchCluster(port, stopped, options({ startStopped: true }))).ok, true);
    assert.deepEqual(port.asked, ["start i-0node-b", "one i-0node-a 10m"]);
    const never = new OneCluster();
    never.clusters = () => Promise.resolve([stopped]);
    assert.match((await switchCluster(never, stopped, options({ startStopped: true }))).says, /did not become ready in time/);
  });

  it("tells AWS's refusal as a failure of that cluster", async () => {
    const port = new OneCluster();
    port.askSwitchover = () => Promise.reject(new AgentError("AGENT_CLOUD_DENIED", "SSM SendCommand: AccessDenied"));
    assert.deepEqual(await switchCluster(port, CLUSTER, options()), { ok: false, says: "SSM SendCommand: AccessDenied (AGENT_CLOUD_DENIED)" });
  });
});
