/** Every look that the page can have, each made by a small world in which something happened: the tests and a person's eyes go through them. */
import { coreConfig, settledPair, SmallWorld } from "./small-world.ts";

/** A state of a small world, seen on the page of one of its members. */
export interface Look {
  readonly name: string;
  /** Whose page it is. */
  readonly node: string;
  readonly world: () => SmallWorld;
  /** What has happened, while the page was watching. */
  readonly live: (world: SmallWorld) => void;
}

const WITNESS = { witnesses: ["witness-1"] };
const THREE = ["node-a", "node-b", "node-c"];
const pairWithWitness = (): SmallWorld => new SmallWorld([coreConfig("node-a", WITNESS), coreConfig("node-b", WITNESS), coreConfig("witness-1")]);
const threeWithWitness = (): SmallWorld => new SmallWorld([...THREE.map((id) => coreConfig(id, { kind: "node", peers: THREE.filter((each) => each !== id), ...WITNESS })), coreConfig("witness-1", { peers: THREE })]);

/** Ten minutes of calls that come and go. */
function someTime(world: SmallWorld): void {
  world.tickMs = 250;
  for (let part = 0; part < 40; part += 1) {
    world.machine("node-a").calls = Math.round(60 + 50 * Math.sin(part / 6) + (part % 5));
    world.machine("node-b").calls = part % 4;
    world.run(15_000);
  }
  world.tickMs = 50;
}

/** In the order in which a person meets them: calm, doubt, a takeover, what is rare. */
export const LOOKS: readonly Look[] = [
  { name: "standby-calm", node: "node-b", world: pairWithWitness, live: someTime },
  { name: "witness-calm", node: "witness-1", world: pairWithWitness, live: someTime },
  {
    name: "paused-and-suspected", node: "node-b", world: pairWithWitness, live: (world) => {
      someTime(world);
      world.command("node-b", { kind: "pause", reason: "Replacing the router in zone 1, change 4711", forMs: 7_200_000 });
      world.machine("node-a").agent = false;
      world.run(6_000);
    },
  },
  {
    name: "claiming", node: "node-b", world: pairWithWitness, live: (world) => {
      someTime(world);
      world.claimsMove = false;
      world.machine("node-a").agent = false;
      world.machine("node-a").asterisk = false;
      world.run(4_500);
    },
  },
  {
    name: "taken-over", node: "node-b", world: pairWithWitness, live: (world) => {
      someTime(world);
      world.machine("node-a").asterisk = false;
      world.run(60_000);
    },
  },
  {
    name: "on-a-stranger", node: "node-a", world: settledPair, live: (world) => {
      world.run(300_000);
      world.holder = { kind: "stranger", instanceId: "i-0123456789abcdef0" };
      world.run(70_000);
    },
  },
  { name: "three-nodes", node: "node-b", world: threeWithWitness, live: someTime },
  { name: "just-started", node: "node-a", world: () => new SmallWorld(), live: (world) => { world.run(100); } },
];
