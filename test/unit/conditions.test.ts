// Every condition is brought about by an outage in a small world, with its sentence, and goes when the outage heals.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CONDITION_NAMES, CONDITIONS, type Condition, type ConditionName } from "../../agent/core/condition-list.ts";
import { conditions } from "../../agent/core/conditions.ts";
import { inWords } from "../../agent/core/in-words.ts";
import { coreConfig, settledPair, SmallWorld } from "../support/small-world.ts";

const NO_ANSWER = { code: "AGENT_CLOUD_TIMEOUT", message: "no answer within 2000 ms" };
const THROTTLED = { code: "AGENT_CLOUD_THROTTLED", message: "RequestLimitExceeded" };
const DENIED = { code: "AGENT_CLOUD_DENIED", message: "UnauthorizedOperation" };

function seenBy(world: SmallWorld, node: string): readonly Condition[] {
  return conditions(world.state(node), world.config(node));
}

function find(world: SmallWorld, node: string, name: ConditionName): Condition | undefined {
  return seenBy(world, node).find((each) => each.name === name);
}

interface Case {
  readonly name: ConditionName;
  readonly title: string;
  /** Who sees it; node-b unless said otherwise. */
  readonly on?: string;
  readonly about?: string;
  readonly sentence: RegExp;
  readonly world?: () => SmallWorld;
  readonly breakIt: (world: SmallWorld) => void;
  /** Heals it; the condition must be gone afterwards. */
  readonly heal?: (world: SmallWorld) => void;
}

const withWitness = (): SmallWorld => settledPair([coreConfig("node-a", { witnesses: ["w1"] }), coreConfig("node-b", { witnesses: ["w1"] }), coreConfig("w1")]);

/** A pair whose standby is kept stopped, with a witness that starts it. */
const pilotLight = (): SmallWorld => {
  const world = settledPair([coreConfig("node-a", { witnesses: ["w1"] }), coreConfig("node-b", { witnesses: ["w1"] }), coreConfig("w1", { coldStandby: true })]);
  world.machine("node-b").agent = false;
  world.machine("node-b").asterisk = false;
  world.instances.set("node-b", "stopped");
  world.run(70_000);
  return world;
};

const CASES: readonly Case[] = [
  { name: "cold-start-not-ready", title: "the dry run of starting the stopped standby is denied", on: "w1", sentence: /AGENT_CLOUD_DENIED: UnauthorizedOperation\): this witness could not start it/, world: pilotLight, breakIt: (world) => { world.machine("w1").dryRunStart = DENIED; world.run(601_000); }, heal: (world) => { world.machine("w1").dryRunStart = null; world.run(65_000); } },
  { name: "cold-start-failing", title: "EC2 has no machine for the stopped standby when the active dies", on: "w1", sentence: /\d+ start\(s\) of a stopped standby failed in a row \(AGENT_CLOUD_FAILED: InsufficientInstanceCapacity\)/, world: pilotLight, breakIt: (world) => { world.machine("w1").start = { code: "AGENT_CLOUD_FAILED", message: "InsufficientInstanceCapacity" }; die(world, "node-a"); world.run(20_000); }, heal: (world) => { world.machine("w1").start = null; world.run(40_000); } },
  { name: "cold-start", title: "the active dies and the stopped standby was started", on: "w1", about: "node-b", sentence: /node-b was started \d+ s ago and has not been heard yet\. node-a is lost: 1 of 1/, world: pilotLight, breakIt: (world) => { die(world, "node-a"); world.run(20_000); }, heal: (world) => { world.instances.set("node-b", "running"); world.machine("node-b").asterisk = true; world.restart("node-b"); world.run(5_000); } },
  { name: "asterisk-down", title: "its own Asterisk is gone", sentence: /down for .*: Asterisk is not running/, breakIt: (world) => { world.machine("node-b").asterisk = false; world.run(3000); }, heal: (world) => { world.machine("node-b").asterisk = true; world.run(20_000); } },
  { name: "asterisk-degraded", title: "a queue of Asterisk is in alert", sentence: /degraded for .*2 taskprocessor/, breakIt: (world) => { world.machine("node-b").alertedQueues = 2; world.run(15_000); }, heal: (world) => { world.machine("node-b").alertedQueues = 0; world.run(15_000); } },
  { name: "asterisk-not-measured", title: "the event socket never opens, so that no canary call is made", sentence: /still unknown, 30 s after/, world: () => new SmallWorld(), breakIt: (world) => { world.machine("node-b").ariEvents = false; world.run(30_000); }, heal: (world) => { world.machine("node-b").ariEvents = true; world.run(5000); } },
  { name: "ari-socket-closed", title: "the event socket closes and stays closed", sentence: /event socket is closed/, breakIt: (world) => { world.machine("node-b").ariEvents = false; world.run(3000); }, heal: (world) => { world.machine("node-b").ariEvents = true; world.run(1000); } },
  { name: "role-not-applied", title: "ARI refuses the reloads of a promotion", sentence: /has not taken the configuration of this active for .*: \d+ tries in a row failed \(AGENT_ARI_FAILED: 409\)/, breakIt: (world) => { world.machine("node-b").role = { code: "AGENT_ARI_FAILED", message: "409" }; die(world, "node-a"); world.run(10_000); }, heal: (world) => { world.machine("node-b").role = null; world.run(3000); } },
  { name: "secret-not-applied", title: "a new version of the secret lacks a field", sentence: /has not been put to use everywhere for 10 s .*AGENT_SECRET_INVALID: ari_password is missing\); what worked before/, breakIt: (world) => { for (let time = 0; time < 10; time += 1) { world.secretTried("node-b", { code: "AGENT_SECRET_INVALID", message: "ari_password is missing" }); world.run(1000); } }, heal: (world) => { world.secretTried("node-b", null); } },
  { name: "no-node-serves", title: "both Asterisks are down", sentence: /No node of test .*node-b: .*\| node-a: /, breakIt: (world) => { world.machine("node-a").asterisk = false; world.machine("node-b").asterisk = false; world.run(5000); }, heal: (world) => { world.machine("node-a").asterisk = true; world.run(20_000); } },
  { name: "yielding", title: "it is active, its Asterisk is down, and the standby may not take over", on: "node-a", sentence: /asks to be relieved: Asterisk is not running/, breakIt: (world) => { world.command("node-b", { kind: "pause", reason: "work", forMs: null }); world.machine("node-a").asterisk = false; world.run(5000); }, heal: (world) => { world.machine("node-a").asterisk = true; world.run(20_000); } },
  { name: "peer-agent-silent", title: "only the active's agent is dead", about: "node-a", sentence: /agent of node-a has been silent for .*sip up, eip up/, breakIt: (world) => { world.machine("node-a").agent = false; world.run(6000); }, heal: (world) => { world.machine("node-a").agent = true; world.run(6000); } },
  { name: "nodes-cut-apart", title: "the cable between the nodes is cut", about: "node-a", sentence: /silent for .* between the nodes, but it lives \(eip up; The active's alive mark moved/, breakIt: (world) => { world.cut.add("node-a>node-b").add("node-b>node-a"); world.run(6000); }, heal: (world) => { world.cut.clear(); world.run(6000); } },
  { name: "peer-lost", title: "the standby is gone", on: "node-a", about: "node-b", sentence: /node-b has been silent for .*no standby/, breakIt: (world) => { world.machine("node-b").agent = false; world.run(6000); }, heal: (world) => { world.machine("node-b").agent = true; world.run(6000); } },
  { name: "peer-does-not-hear-us", title: "frames get through in one direction only", on: "node-a", about: "node-b", sentence: /hears node-b, but node-b does not hear/, breakIt: (world) => { world.cut.add("node-a>node-b"); world.run(8000); }, heal: (world) => { world.cut.clear(); world.run(6000); } },
  { name: "peer-asterisk-down", title: "the standby's Asterisk is down", on: "node-a", about: "node-b", sentence: /node-b says that its Asterisk can't take calls: Asterisk is not running/, breakIt: (world) => { world.machine("node-b").asterisk = false; world.run(3000); }, heal: (world) => { world.machine("node-b").asterisk = true; world.run(20_000); } },
  { name: "several-hold", title: "the old active can't read EC2 and still believes that it is active", sentence: /2 nodes say that they hold the Elastic IP: node-b, node-a/, breakIt: (world) => { world.machine("node-a").cloud = NO_ANSWER; world.holder = { kind: "node", node: "node-b" }; world.run(80_000); }, heal: (world) => { world.machine("node-a").cloud = null; world.run(10_000); } },
  { name: "witness-absent", title: "the witness is gone", about: "w1", sentence: /Witness w1 has been silent for/, world: withWitness, breakIt: (world) => { world.machine("w1").agent = false; world.run(6000); }, heal: (world) => { world.machine("w1").agent = true; world.run(6000); } },
  { name: "config-drift", title: "the peer has other cluster-wide settings", about: "node-a", sentence: /digest d2\) than this node \(d1\)/, world: () => settledPair([coreConfig("node-a", { configDigest: "d2" }), coreConfig("node-b")]), breakIt: () => undefined },
  { name: "version-difference", title: "the peer runs another release", about: "node-a", sentence: /node-a runs agent 0\.2\.0, here 0\.1\.0/, world: () => settledPair([coreConfig("node-a", { software: "0.2.0" }), coreConfig("node-b")]), breakIt: () => undefined },
  { name: "address-on-stranger", title: "somebody moved the address outside the cluster", sentence: /203\.0\.113\.10 has been on an instance outside the cluster \(i-0cafe\)/, breakIt: (world) => { world.holder = { kind: "stranger", instanceId: "i-0cafe" }; world.run(65_000); }, heal: (world) => { world.holder = { kind: "node", node: "node-a" }; world.run(65_000); } },
  { name: "address-on-nobody", title: "somebody detached the address while claims are paused", sentence: /203\.0\.113\.10 has been on nobody for .*callers reach no node/, breakIt: (world) => { world.command("node-b", { kind: "pause", reason: "work", forMs: null }); world.holder = { kind: "nobody" }; world.run(65_000); }, heal: (world) => { world.command("node-b", { kind: "resume" }); world.run(65_000); } },
  { name: "ec2-unreadable", title: "EC2 does not answer", sentence: /[2-9]\d* reads in a row failed \(AGENT_CLOUD_TIMEOUT: .*last read/, breakIt: (world) => { world.machine("node-b").cloud = NO_ANSWER; world.run(130_000); }, heal: (world) => { world.machine("node-b").cloud = null; world.run(65_000); } },
  { name: "ec2-throttled", title: "EC2 throttles", sentence: /throttles this account: [2-9]\d* reads in a row/, breakIt: (world) => { world.machine("node-b").cloud = THROTTLED; world.run(130_000); }, heal: (world) => { world.machine("node-b").cloud = null; world.run(65_000); } },
  { name: "claim-not-ready", title: "the dry run of a claim is denied", sentence: /AGENT_CLOUD_DENIED: UnauthorizedOperation/, world: () => new SmallWorld(), breakIt: (world) => { world.machine("node-b").dryRun = DENIED; world.run(5000); }, heal: (world) => { world.machine("node-b").dryRun = null; world.run(601_000); } },
  { name: "marks-not-permitted", title: "the dry run of an alive mark is denied", sentence: /dry run of an alive mark failed/, world: () => new SmallWorld(), breakIt: (world) => { world.machine("node-b").dryRunMark = DENIED; world.run(5000); } },
  { name: "marks-failing", title: "it is active, cut from its peer, and its marks are denied", on: "node-a", sentence: /have not heard each other for .*marks fail \(AGENT_CLOUD_DENIED/, breakIt: (world) => { world.machine("node-a").mark = DENIED; world.cut.add("node-a>node-b").add("node-b>node-a"); world.run(6000); }, heal: (world) => { world.cut.clear(); world.run(6000); } },
  { name: "paused", title: "an operator paused on the other node", sentence: /paused for another .* min, set on node-a: upgrade/, breakIt: (world) => { world.command("node-a", { kind: "pause", reason: "upgrade", forMs: 3_600_000 }); world.run(3000); }, heal: (world) => { world.command("node-a", { kind: "resume" }); world.run(3000); } },
  { name: "blocked", title: "the claims of an hour are used up", sentence: /Blocked: 1 automatic claims/, world: () => settledPair([coreConfig("node-a"), coreConfig("node-b", { claimsPerHour: 1 })]), breakIt: (world) => { failOverAndBack(world); world.run(40_000); die(world, "node-a"); world.run(10_000); }, heal: (world) => { world.command("node-b", { kind: "acknowledge" }); world.run(1000); } },
  { name: "hold-down", title: "the active dies soon after the address moved", sentence: /see node-a down, .*hold-down for another/, breakIt: (world) => { failOverAndBack(world); die(world, "node-a"); world.run(10_000); }, heal: (world) => { world.run(40_000); } },
  { name: "claims-failing", title: "EC2 throttles every claim", sentence: /[2-9]\d* claims in a row did not succeed/, breakIt: (world) => { world.machine("node-b").claim = THROTTLED; die(world, "node-a"); world.run(10_000); }, heal: (world) => { world.machine("node-b").claim = null; world.run(10_000); } },
  { name: "claim-pending", title: "EC2 accepts the claim and does not carry it out", sentence: /decided .* ago is accepted, and EC2 has not confirmed it/, breakIt: (world) => { world.claimsMove = false; die(world, "node-a"); world.run(9000); }, heal: (world) => { world.claimsMove = true; world.run(20_000); } },
  { name: "channel-unproven", title: "the peer's security group keeps our SIP probe out", about: "sip", sentence: /OPTIONS to node-a's private address has not been answered once .* left out of the verdict/, world: () => new SmallWorld(), breakIt: (world) => { world.machine("node-a").privateSip = false; world.run(20_000); }, heal: (world) => { world.machine("node-a").privateSip = true; world.run(5000); } },
  { name: "reference-failing", title: "its private network is broken", about: "private", sentence: /private reference does not answer \(last asked .* ago\)/, breakIt: (world) => { world.machine("node-b").privateNet = false; world.run(10_000); }, heal: (world) => { world.machine("node-b").privateNet = true; world.run(65_000); } },
  { name: "cut-off", title: "it is cut off from everything", sentence: /hears no member, and neither/, breakIt: (world) => { cutOff(world, "node-b"); world.run(10_000); }, heal: (world) => { reconnect(world, "node-b"); world.run(65_000); } },
  { name: "state-unsaved", title: "STATE_DIR is full", sentence: /AGENT_STATE_UNWRITABLE: no space/, breakIt: (world) => { world.machine("node-b").save = { code: "AGENT_STATE_UNWRITABLE", message: "no space" }; world.command("node-b", { kind: "pause", reason: "work", forMs: null }); world.run(3000); }, heal: (world) => { world.machine("node-b").save = null; world.run(10_000); } },
  { name: "metrics-unpublished", title: "CloudWatch is away", sentence: /AGENT_CLOUD_TIMEOUT: .*sent later/, breakIt: (world) => { world.machine("node-b").publish = NO_ANSWER; world.run(61_000); }, heal: (world) => { world.machine("node-b").publish = null; world.run(61_000); } },
  { name: "metrics-dropped", title: "the spool is full", sentence: /^23 measurements were lost within the last minute, 23 since/, breakIt: (world) => { world.machine("node-b").publish = NO_ANSWER; world.machine("node-b").dropped = 23; world.run(61_000); }, heal: (world) => { world.machine("node-b").dropped = 0; world.run(61_000); } },
  { name: "self-doubt", title: "its process stalled", sentence: /stalled for 1\.\d s, .* ago/, breakIt: (world) => { world.stallMs = 1200; world.run(3000); }, heal: (world) => { world.run(61_000); } },
  { name: "ticks-late", title: "the machine is overloaded", sentence: /50 ms tick came \d\d ms late on average, 80 ms at worst/, breakIt: (world) => { world.run(42_000); world.lagMs = 80; world.run(30_000); }, heal: (world) => { world.lagMs = 0; world.run(61_000); } },
];

function die(world: SmallWorld, node: string): void {
  world.machine(node).agent = false;
  world.machine(node).asterisk = false;
}

/** node-a dies, node-b takes over, node-a comes back, and an operator moves the address back. */
function failOverAndBack(world: SmallWorld): void {
  die(world, "node-a");
  world.run(5000);
  assert.equal(world.state("node-b").role, "active");
  world.machine("node-a").agent = true;
  world.machine("node-a").asterisk = true;
  world.run(10_000);
  world.holder = { kind: "node", node: "node-a" };
  world.run(65_000);
  // The reads of a steady pair are a minute apart, so a hold-down began when the move was seen.
  assert.equal(world.state("node-b").role, "standby");
}

function cutOff(world: SmallWorld, node: string): void {
  world.machine(node).privateNet = false;
  world.machine(node).publicNet = false;
  world.machine(node).cloud = { code: "AGENT_CLOUD_UNREACHABLE", message: "no route" };
  world.cut.add("node-a>node-b").add("node-b>node-a");
}

function reconnect(world: SmallWorld, node: string): void {
  world.machine(node).privateNet = true;
  world.machine(node).publicNet = true;
  world.machine(node).cloud = null;
  world.cut.clear();
}

describe("conditions", () => {
  it("finds nothing in a healthy pair", () => {
    const world = settledPair();
    world.run(120_000);
    assert.deepEqual(seenBy(world, "node-a"), []);
    assert.deepEqual(seenBy(world, "node-b"), []);
  });

  it("finds nothing in a healthy cluster with a witness", () => {
    const world = withWitness();
    for (const member of ["node-a", "node-b", "w1"]) assert.deepEqual(seenBy(world, member), []);
  });

  for (const { name, title, on = "node-b", about = null, sentence, world: make = settledPair, breakIt, heal } of CASES) {
    it(`tells ${name} when ${title}`, () => {
      const world = make();
      breakIt(world);
      const found = find(world, on, name);
      assert.ok(found !== undefined, `only: ${JSON.stringify(seenBy(world, on), null, 1)}`);
      assert.match(found.sentence, sentence);
      assert.equal(found.about, about);
      assert.equal(found.severity, CONDITIONS[name].severity);
      if (heal === undefined) return;
      heal(world);
      assert.equal(find(world, on, name), undefined, "it does not go away");
    });
  }

  it("can bring about every condition of the list", () => {
    assert.deepEqual([...new Set(CASES.map((each) => each.name))].toSorted(), CONDITION_NAMES.toSorted());
  });

  it("does not mistake the moments of a failover for lasting situations", () => {
    const world = settledPair();
    die(world, "node-a");
    const seen = new Set<string>();
    for (let ms = 0; ms < 2500; ms += 50) {
      world.run(50);
      for (const each of seenBy(world, "node-b")) seen.add(each.name);
    }
    assert.equal(world.state("node-b").role, "active");
    assert.deepEqual([...seen], []);
  });

  it("does not blame a peer for what it missed in its own stall", () => {
    const world = settledPair();
    world.stallMs = 20_000;
    world.run(20_050);
    assert.deepEqual(seenBy(world, "node-b").map((each) => each.name), ["self-doubt"]);
  });

  it("does not call a node cut off because its references are wrong", () => {
    const world = settledPair();
    world.machine("node-b").privateNet = false;
    world.machine("node-b").publicNet = false;
    world.run(70_000);
    assert.equal(find(world, "node-b", "cut-off"), undefined);
    assert.equal(seenBy(world, "node-b").filter((each) => each.name === "reference-failing").length, 2);
  });

  it("tells a witness that no node serves", () => {
    const world = withWitness();
    world.machine("node-a").asterisk = false;
    world.machine("node-b").asterisk = false;
    world.run(5000);
    assert.match(find(world, "w1", "no-node-serves")?.sentence ?? "", /node-a: .*\| node-b: /);
  });

  it("shows errors before warnings", () => {
    const world = settledPair();
    world.command("node-b", { kind: "pause", reason: "work", forMs: null });
    world.machine("node-b").asterisk = false;
    world.run(3000);
    assert.deepEqual(seenBy(world, "node-b").map((each) => each.severity), ["error", "warn"]);
  });
});

describe("inWords", () => {
  const cases: readonly (readonly [number, string])[] = [[-5, "0 ms"], [0, "0 ms"], [999, "999 ms"], [1500, "1.5 s"], [34_400, "34 s"], [119_000, "119 s"], [120_000, "2 min"], [7_199_000, "120 min"], [11_520_000, "3 h 12 min"], [2 * 86_400_000 + 3 * 3_600_000, "2 d 3 h"]];
  for (const [ms, words] of cases) it(`says ${ms} ms as ${words}`, () => { assert.equal(inWords(ms), words); });
});
