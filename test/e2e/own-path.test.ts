// The node's own path: on AWS, a node without the Elastic IP has no public address on its primary address, so it must look at the
// public side (the Elastic IP, the public reference) from its management address. Private addresses are asked from the primary one.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ADDRESS, ELASTIC_IP, MANAGEMENT_ADDRESS, MANAGEMENT_PUBLIC_ADDRESS, REFERENCE_PUBLIC, type NodeName } from "../support/lab/addresses.ts";
import { openLab, type Lab } from "../support/lab/network.ts";
import type { Pair } from "../support/lab/pair.ts";
import { movedTo, withPair } from "../support/lab/pair-checks.ts";
import { REPOSITORY } from "../support/lab/roots.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Waits until a standby has proven all three channels to the active. */
async function watches(pair: Pair, name: NodeName): Promise<void> {
  await waitUntil(`${name} to watch the active over all channels`, async () => (await pair.status(name)).votes?.own.channels.every((channel) => channel.proven && channel.verdict === "up") === true, 30_000);
}

/** Counts, in a place, what arrives from where: one nftables counter for each sender. The counters see the gateway's translation. */
async function counters(pair: Pair, place: NodeName | "aws", matches: Readonly<Record<string, string>>): Promise<() => Promise<Readonly<Record<string, number>>>> {
  const rules = Object.entries(matches).map(([name, match]) => `${match} counter comment "${name}"`);
  await pair.lab.run(place, "nft", ["-f", "-"], { input: `table ip senders {\nchain input {\ntype filter hook input priority -200;\n${rules.join("\n")}\n}\n}\n` });
  return async () => {
    const { stdout } = await pair.lab.run(place, "nft", ["list", "table", "ip", "senders"]);
    return Object.fromEntries([...stdout.matchAll(/counter packets (\d+) bytes \d+ comment "([^"]+)"/g)].map(([, packets, name = ""]) => [name, Number(packets)]));
  };
}

describe("a pair as Terraform makes it, whose primary addresses have no public address but the Elastic IP", { timeout: 600_000 }, () => {
  it("asks the public side from the management address and the private side from the primary one, and so survives its active's death", async () => {
    await withPair({ knobs: { HOLD_DOWN_MS: "1000", OWNER_READ_INTERVAL_MS: "5000" } }, async (pair) => {
      for (const name of ["node-a", "node-b"] as const) await pair.lab.setPublicAddress(name, false);
      await pair.steady("node-a");
      await watches(pair, "node-b");

      const options = "udp dport 5060";
      const onActive = await counters(pair, "node-a", {
        eip: `${options} ip saddr ${MANAGEMENT_PUBLIC_ADDRESS["node-b"]}`,
        private: `${options} ip saddr ${ADDRESS["node-b"]}`,
        astray: `${options} ip saddr ${MANAGEMENT_ADDRESS["node-b"]}`,
      });
      const onReference = await counters(pair, "aws", {
        management: `ip daddr ${REFERENCE_PUBLIC.address} tcp dport ${REFERENCE_PUBLIC.port} ip saddr ${MANAGEMENT_ADDRESS["node-b"]}`,
        primary: `ip daddr ${REFERENCE_PUBLIC.address} tcp dport ${REFERENCE_PUBLIC.port} ip saddr ${ADDRESS["node-b"]}`,
      });
      await waitUntil("probes of both kinds", async () => {
        const [active, reference] = [await onActive(), await onReference()];
        return (active["eip"] ?? 0) > 2 && (active["private"] ?? 0) > 2 && (reference["management"] ?? 0) > 0;
      }, 30_000);
      assert.equal((await onActive())["astray"], 0, "the private address is asked from the primary one");
      assert.equal((await onReference())["primary"], 0, "the public reference is asked from the management address");

      await pair.lab.nodeGone("node-a");
      await movedTo(pair, "node-b");
      await pair.lab.rejoin("node-a");
      await pair.steady("node-b");
      await watches(pair, "node-a");
      assert.equal((await pair.claims()).length, 1, `one claim of ${ELASTIC_IP}`);
    });
  });
});

/** Runs the image's script in node-a's network, with an environment file of these lines. */
async function ownPath(lab: Lab, lines: string): Promise<void> {
  const file = join(lab.dir, "own-path.env");
  await writeFile(file, lines);
  await lab.run("node-a", join(REPOSITORY, "packer/rootfs/usr/libexec/asterisk-node/own-path"), [file]);
}

/** The address from which a user's packets leave to the outside. */
async function sourceOf(lab: Lab, uid: number, target: string): Promise<string | undefined> {
  const { stdout } = await lab.run("node-a", "ip", ["-4", "route", "get", target, "uid", String(uid)]);
  return /\bsrc (\S+)/.exec(stdout)?.[1];
}

describe("the image's script for the node's own path", { timeout: 120_000 }, () => {
  const [primary, management] = [ADDRESS["node-a"], MANAGEMENT_ADDRESS["node-a"]];

  it("adds the management address, sends root's packets from it and nobody else's, and changes nothing when it is run again", async () => {
    const lab = await openLab({ nodes: ["node-a"] });
    try {
      await lab.run("node-a", "ip", ["address", "delete", `${management}/32`, "dev", "eth0"]);
      const settings = `NODE_ID=node-a\n# AWS_LOCAL_ADDRESS=10.9.9.9\nAWS_LOCAL_ADDRESS="${management}"\n`;
      await ownPath(lab, settings);
      assert.equal(await sourceOf(lab, 0, ADDRESS.caller), management);
      assert.equal(await sourceOf(lab, 1000, ADDRESS.caller), primary);
      assert.equal(await sourceOf(lab, 0, "10.0.1.1"), primary, "what is at hand is reached as ever");
      assert.equal(await sourceOf(lab, 0, "169.254.169.254"), primary, "so is the metadata service");
      const state = async (): Promise<string> => (await lab.run("node-a", "sh", ["-ec", "ip -4 -oneline address show dev eth0; ip -4 rule; ip -4 route show table 8090"])).stdout;
      const before = await state();
      await ownPath(lab, settings);
      assert.equal(await state(), before);

      await ownPath(lab, "NODE_ID=node-a\n");
      assert.equal(await sourceOf(lab, 0, ADDRESS.caller), primary, "without the setting nothing is special about root");
    } finally {
      await lab.close();
    }
  });

  it("refuses a setting that is no address, and a machine without a default route", async () => {
    const lab = await openLab({ nodes: ["node-a"] });
    try {
      await assert.rejects(ownPath(lab, "AWS_LOCAL_ADDRESS=management.example\n"), /must be an IPv4 address/);
      await lab.run("node-a", "ip", ["route", "delete", "default"]);
      await assert.rejects(ownPath(lab, `AWS_LOCAL_ADDRESS=${management}\n`), /no default route yet/);
    } finally {
      await lab.close();
    }
  });
});
