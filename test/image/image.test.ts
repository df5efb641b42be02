// Two machines booted from the image that Packer built: what an operator deploys, started by nothing but its own units.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ADDRESS, ELASTIC_IP, MANAGEMENT_ADDRESS } from "../support/lab/addresses.ts";
import { monotonicMs } from "../support/lab/clock.ts";
import { holderOf, movedTo } from "../support/lab/pair-checks.ts";
import { startCaller } from "../support/lab/caller.ts";
import { openImagePair, WITNESS, type ImagePair } from "../support/image/image-pair.ts";
import { agentPid, connects, runDocument, steadyMachines } from "../support/image/machine-checks.ts";
import { waitUntil } from "../support/wait-until.ts";

const SERVING_WITHIN_MS = 20_000;
const HOLD_DOWN_MS = 3_000;

let image: ImagePair;

/** Who is active and who is not, as EC2 says. */
async function sides(): Promise<readonly ["node-a" | "node-b", "node-a" | "node-b"]> {
  return (await holderOf(image.pair)) === "node-a" ? ["node-a", "node-b"] : ["node-b", "node-a"];
}

describe("the node image, booted as two nodes and a witness", { timeout: 3_600_000 }, () => {
  let openedAtMs = 0;

  before(async () => {
    image = await openImagePair({
      knobs: { HOLD_DOWN_MS: String(HOLD_DOWN_MS) },
      witness: true,
      onBoot: () => { openedAtMs = monotonicMs(); },
    });
    await steadyMachines(image, "node-a");
  });

  after(async () => {
    await image.close();
  });

  it("serves soon after the machine starts, and nothing was compiled or fetched for that", async (context) => {
    const servingAfterMs = monotonicMs() - openedAtMs;
    context.diagnostic(`from the start of the machines to a steady pair: ${Math.round(servingAfterMs)} ms`);
    assert.ok(servingAfterMs <= SERVING_WITHIN_MS, `${Math.round(servingAfterMs)} ms`);
    for (const machine of image.machines.values()) {
      const { stdout } = await machine.run("sh", ["-c", "command -v gcc make npm git wget || true"]);
      assert.equal(stdout, "", "nothing that could compile or install is there");
    }
  });

  it("started every part by its own unit, as its own user, and no unit failed", async () => {
    for (const [name, machine] of image.machines) {
      assert.deepEqual(await machine.failedUnits(), [], `failed units of ${name}:\n${machine.console()}`);
      assert.equal(await machine.property("node-path.service", "Result"), "success", name);
      if (name === "witness") continue; // it has a test of its own
      for (const unit of ["nftables", "node-members", "node-render", "asterisk", "node-pm2", "fail2ban"]) assert.equal(await machine.property(`${unit}.service`, "ActiveState"), "active", `${unit} of ${name}`);
      assert.equal(await machine.property("asterisk.service", "Type"), "notify");
      const { stdout: users } = await machine.run("ps", ["-eo", "user:20,args"]);
      assert.match(users, /^asterisk +\/usr\/sbin\/asterisk/m);
      assert.match(users, /^node-agent .*\/usr\/lib\/asterisk-node-agent\/dist\/main\.js/m);
      assert.doesNotMatch(users, /^root .*(asterisk -|main\.js|pm2)/m);
    }
  });

  it("runs a machine with ROLE=witness as an agent without Asterisk, which hears both nodes and votes", async () => {
    const machine = image.machine("witness");
    for (const [unit, state] of [["nftables", "active"], ["node-members", "active"], ["node-pm2", "active"], ["node-render", "inactive"], ["asterisk", "inactive"]] as const) assert.equal(await machine.property(`${unit}.service`, "ActiveState"), state, unit);
    const { stdout: users } = await machine.run("ps", ["-eo", "user:20,args"]);
    assert.match(users, /^node-agent .*\/usr\/lib\/asterisk-node-agent\/dist\/main\.js/m);
    assert.doesNotMatch(users, /\/usr\/sbin\/asterisk/);
    assert.equal((await machine.run("ls", ["-A", "/etc/asterisk"])).stdout, "", "nothing was rendered");
    const health = await machine.run("curl", ["--silent", "--max-time", "5", "--write-out", "%{http_code}", "http://127.0.0.1:8091/health"]);
    assert.match(health.stdout, /hears node-a, node-b.*200$/s);
    await waitUntil("the standby to have the witness's vote", async () => (await image.pair.status("node-b")).votes?.witnesses.some((vote) => vote.observer === WITNESS && vote.verdict === "up" && vote.counted) === true, 20_000);
    const pid = await agentPid(machine);
    await machine.run("kill", ["-KILL", String(pid)]);
    await waitUntil("another agent on the witness", async () => ![0, pid].includes(await agentPid(machine)), 30_000);
    await steadyMachines(image, "node-a");
    assert.deepEqual(await image.pair.claims(), []);
  });

  it("gives each node its own path to AWS, for the agent and for what runs as root, and leaves the primary address to Asterisk", async () => {
    for (const name of ["node-a", "node-b"] as const) {
      const machine = image.machine(name);
      const sourceFor = async (user: string): Promise<string | undefined> => {
        const { stdout: uid } = await machine.run("id", ["-u", user]);
        const { stdout } = await machine.run("ip", ["-4", "route", "get", ADDRESS.caller, "uid", uid.trim()]);
        return /\bsrc (\S+)/.exec(stdout)?.[1];
      };
      assert.equal(await sourceFor("root"), MANAGEMENT_ADDRESS[name], "SSM and CloudWatch agents");
      assert.equal(await sourceFor("asterisk"), ADDRESS[name]);
      assert.equal(await sourceFor("node-agent"), ADDRESS[name], "heartbeats come from the address that members know");
    }
  });

  it("watches the Elastic IP from a standby whose primary address has no way out", async () => {
    await waitUntil("the channel eip to be proven", async () => (await image.pair.status("node-b")).votes?.own.channels.some((channel) => channel.name === "eip" && channel.verdict === "up" && channel.proven) === true, 20_000);
    assert.equal(await connects(image, "node-b", ELASTIC_IP, 5060, ADDRESS["node-b"]), false, "the primary address has no way out");
    assert.equal(await connects(image, "node-b", ELASTIC_IP, 5060, MANAGEMENT_ADDRESS["node-b"]), true, "the management address has one");
  });

  it("gets the path back when something has taken the address and the rules away", async () => {
    const machine = image.machine("node-b");
    await machine.run("sh", ["-c", `ip address delete ${MANAGEMENT_ADDRESS["node-b"]}/32 dev eth0; ip rule delete preference 8090; ip route flush table 8090`]);
    await waitUntil("the address and its route", async () => (await machine.run("ip", ["-4", "route", "get", ADDRESS.caller, "uid", "0"])).stdout.includes(`src ${MANAGEMENT_ADDRESS["node-b"]}`), 40_000);
    assert.match((await machine.run("ip", ["-4", "rule", "show", "preference", "8090"])).stdout, /uidrange 0-0 lookup 8090/);
    await steadyMachines(image, "node-a");
    assert.deepEqual(await image.pair.claims(), []);
  });

  it("offers no Asterisk on the management address, which callers must not take for the active", async () => {
    for (const name of ["node-a", "node-b"] as const) {
      const astray = await startCaller(image.pair.lab, { place: "aws", target: MANAGEMENT_ADDRESS[name] });
      await waitUntil("twenty requests", () => astray.sent >= 20, 10_000);
      assert.equal((await astray.stop()).answered, 0, `${name} over UDP`);
      assert.equal(await connects(image, "aws", MANAGEMENT_ADDRESS[name], 5060), false, `${name} over TCP`);
      const right = await startCaller(image.pair.lab, { place: "aws", target: ADDRESS[name] });
      await right.answeredBy(name);
      await right.stop();
    }
  });

  it("has the raised limit of SIP connections, and encrypted media", async () => {
    const machine = image.machine("node-a");
    assert.match((await machine.run("asterisk", ["-rx", "pjproject show buildopts"])).stdout, /PJ_IOQUEUE_MAX_HANDLES\s*:\s*20000/);
    assert.match((await machine.run("asterisk", ["-rx", "module show like res_srtp"])).stdout, /res_srtp\.so.*Running/);
    assert.match((await machine.run("asterisk", ["-rx", "module show like res_pjsip_maintenance"])).stdout, /res_pjsip_maintenance\.so.*Running/);
  });

  it("lets nobody from outside to ARI, AMI or the status page, and only members to the heartbeat port", async () => {
    const inside = ADDRESS["node-a"];
    const world = [ELASTIC_IP, inside].flatMap((target) => [8088, 5038, 8091, 8090, 22].map((port) => ["caller", target, port] as const));
    const peer = [8088, 5038, 8091].map((port) => ["node-b", inside, port] as const);
    await Promise.all([...world, ...peer].map(async ([from, target, port]) => {
      assert.equal(await connects(image, from, target, port), false, `${target}:${port} is open to ${from}`);
    }));
    assert.equal(await connects(image, "node-b", ADDRESS["node-a"], 8090, ADDRESS["node-b"]), true, "the peer reaches the heartbeat port");
    assert.equal(await connects(image, "witness", ADDRESS["node-a"], 8090), true, "so does the witness");
    assert.equal(await connects(image, "aws", ADDRESS["node-a"], 8090), false, "a stranger inside the VPC does not");
    assert.equal(await connects(image, "caller", ELASTIC_IP, 5060), true, "SIP over TCP is open");
  });

  it("hands the callers over when Asterisk is killed, and systemd brings it back as standby", async () => {
    const machine = image.machine("node-a");
    await machine.run("kill", ["-KILL", String(await machine.mainPid("asterisk.service"))]);
    await movedTo(image.pair, "node-b");
    await steadyMachines(image, "node-b");
    assert.equal(await machine.property("asterisk.service", "NRestarts"), "1");
    assert.equal((await image.pair.claims()).length, 1, "one claim and no more");
  });

  it("does what the operator's documents ask: a look at a node, and a switchover with drain", async () => {
    const [active, standby] = await sides();
    const before = (await image.pair.claims()).length;
    const healthy = async (name: "node-a" | "node-b", role: string): Promise<void> => {
      const { stdout } = await runDocument(image.machine(name), "health-check");
      assert.ok(stdout.includes(`{"ok":true,"node":"${name}","role":"${role}"`), stdout);
      assert.doesNotMatch(stdout, /configured differently/);
    };
    // A standby is ready when hold-down and dry run are over; until then the document fails, as it should.
    let complaint: unknown = null;
    await waitUntil("the standby to be healthy", () => healthy(standby, "standby").then(() => true, (error: unknown) => { complaint = error; return false; }), 40_000).catch(() => { throw complaint; });
    await healthy(active, "active");
    await runDocument(image.machine(active), "ask-switchover", { Drain: "10s" });
    await movedTo(image.pair, standby);
    await steadyMachines(image, standby);
    await healthy(standby, "active");
    assert.equal((await image.pair.claims()).length, before + 1, "one claim more");
  });

  it("takes the callers over when the other machine dies, and a machine that boots again joins as standby", async () => {
    const [active, standby] = await sides();
    const before = (await image.pair.claims()).length;
    // As when the host below an instance fails: the network has forgotten it before its processes are gone.
    await image.pair.lab.nodeGone(active);
    await image.machine(active).die();
    await movedTo(image.pair, standby, 60_000);
    assert.equal(await holderOf(image.pair), standby);
    await image.pair.lab.rejoin(active);
    const again = await image.boot(active);
    await again.waitBooted();
    await steadyMachines(image, standby);
    assert.equal((await image.pair.claims()).length, before + 1, "one claim more");
  });
});
