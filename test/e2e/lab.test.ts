// Proof that the ground under the end-to-end tests holds: real Asterisks boot from our configuration, callers reach the
// holder of the Elastic IP and nobody else, faults do what they say, and nothing is left behind.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ADDRESS, ELASTIC_IP, IMDS_ADDRESS, REFERENCE_PRIVATE, REFERENCE_PUBLIC } from "../support/lab/addresses.ts";
import { parseDeb822, parseOneLine } from "../support/lab/apt-mirror.ts";
import { prepareAsterisk, type LabAsterisk } from "../support/lab/asterisk.ts";
import { startCaller, type Caller } from "../support/lab/caller.ts";
import { isAlive, labNamespaces, sweepLeftovers } from "../support/lab/leftovers.ts";
import { startLabMoto, startMoto } from "../support/lab/moto.ts";
import { openLab, type Lab } from "../support/lab/network.ts";
import { tcpFrom, udpReceived } from "../support/lab/probe.ts";
import { ensureRoot, REPOSITORY } from "../support/lab/roots.ts";
import { runSipp } from "../support/lab/sipp.ts";
import { waitUntil } from "../support/wait-until.ts";

describe("the lab with two Asterisks", { timeout: 600_000 }, () => {
  let lab: Lab;
  let a: LabAsterisk;
  let b: LabAsterisk;
  let caller: Caller;

  before(async () => {
    await ensureRoot("telephony", (line) => process.stderr.write(`${line}\n`));
    lab = await openLab();
    [a, b] = await Promise.all([prepareAsterisk(lab, "node-a"), prepareAsterisk(lab, "node-b")]);
    await Promise.all([a.start(), b.start()]);
    await Promise.all([a.waitBooted(), b.waitBooted()]);
    await lab.setEipTarget("node-a");
    caller = await startCaller(lab);
  });

  after(async () => {
    await lab.close();
  });

  test("boots both Asterisks from the repository's configuration without an error", async () => {
    for (const asterisk of [a, b]) {
      const bad = (await asterisk.messages()).filter((line) => /\b(ERROR|WARNING)\[/.test(line));
      assert.deepEqual(bad, []);
      assert.match(await asterisk.cli("core show version"), /^Asterisk 22\./);
      assert.match(await asterisk.cli("core show settings"), new RegExp(`System name: +${asterisk.node}`));
      assert.equal((await asterisk.ari("GET", "/asterisk/ping")).status, 200);
    }
  });

  test("keeps ARI on the node's loopback", async () => {
    assert.equal(await tcpFrom(lab, "node-b", ADDRESS["node-a"], 8088), "refused");
    assert.equal(await tcpFrom(lab, "node-a", "127.0.0.1", 8088), "connected");
  });

  test("lets an agent run Asterisk's console from outside", async () => {
    const { stdout } = await lab.run("node-a", `${a.binDir}/asterisk`, ["-rx", "core show channels count"]);
    assert.match(stdout, /0 active channels/);
  });

  test("brings the caller to the holder of the Elastic IP, and at once to the next one", async () => {
    await caller.answeredBy("node-a");
    await lab.setEipTarget("node-b");
    await caller.answeredBy("node-b");
    await lab.setEipTarget("node-a");
    await caller.answeredBy("node-a");
    assert.ok(caller.answers.every((answer) => answer.from === ELASTIC_IP));
    assert.ok(caller.report().longestGapMs < 1000);
  });

  test("leaves the caller in silence when nobody holds the Elastic IP", async () => {
    await lab.setEipTarget(null);
    await caller.silentFor(300);
    await lab.setEipTarget("node-a");
    await caller.answeredBy("node-a");
    assert.ok(caller.report().outages.some((outage) => outage.before === "node-a" && outage.after === "node-a"));
  });

  test("shows the holder to the standby through the Elastic IP, and by its private address", async () => {
    for (const target of [ELASTIC_IP, ADDRESS["node-a"]]) {
      const standby = await startCaller(lab, { place: "node-b", target });
      assert.equal((await standby.answeredBy("node-a")).from, target);
      await standby.stop();
    }
  });

  test("takes a node without a public address off the Internet, not off AWS", async () => {
    await lab.setPublicAddress("node-b", false);
    assert.equal(await tcpFrom(lab, "node-b", ELASTIC_IP, 5060), "silent");
    assert.equal(await tcpFrom(lab, "node-b", REFERENCE_PUBLIC.address, REFERENCE_PUBLIC.port), "connected");
    await lab.setPublicAddress("node-b", true);
    assert.equal(await tcpFrom(lab, "node-b", ELASTIC_IP, 5060), "connected");
  });

  test("cuts the cable between the nodes and leaves the way through the Elastic IP", async () => {
    await lab.cut("node-a", "node-b");
    assert.equal(await tcpFrom(lab, "node-b", ADDRESS["node-a"], 5060), "silent");
    assert.equal(await tcpFrom(lab, "node-b", ELASTIC_IP, 5060), "connected");
    await lab.heal("node-b", "node-a");
    assert.equal(await tcpFrom(lab, "node-b", ADDRESS["node-a"], 5060), "connected");
  });

  test("cuts one way only when asked to", async () => {
    await lab.cut("eip", "caller", { oneWay: true });
    await caller.silentFor(300);
    const before = await udpReceived(lab, "node-a");
    await waitUntil("requests to arrive whose answers are lost", async () => (await udpReceived(lab, "node-a")) > before, 5000);
    await lab.heal();
    await lab.cut("caller", "eip", { oneWay: true });
    await caller.silentFor(300);
    const cutOff = await udpReceived(lab, "node-a");
    await caller.silentFor(600);
    assert.equal(await udpReceived(lab, "node-a"), cutOff);
    await lab.heal();
    await caller.answeredBy("node-a");
  });

  test("loses the share of packets that it is told to lose", async () => {
    await lab.loss("caller", "eip", 30);
    const fast = await startCaller(lab, { perSecond: 200 });
    await waitUntil("400 requests", () => fast.sent >= 400, 20_000);
    await lab.heal();
    const { sent, answered } = await fast.stop();
    // 30 % lost each way leaves 49 % answered; the bounds are six standard deviations wide.
    assert.ok(answered / sent > 0.34 && answered / sent < 0.64, `${answered} of ${sent} answered`);
  });

  test("cuts a standby off from everything but what is allowed", async () => {
    await lab.cutAllBut("node-b", ["aws"]);
    assert.equal(await tcpFrom(lab, "node-b", REFERENCE_PUBLIC.address, REFERENCE_PUBLIC.port), "connected");
    assert.equal(await tcpFrom(lab, "node-b", REFERENCE_PRIVATE.address, REFERENCE_PRIVATE.port), "silent");
    assert.equal(await tcpFrom(lab, "node-b", ELASTIC_IP, 5060), "silent");
    assert.equal(await tcpFrom(lab, "node-b", ADDRESS["node-a"], 5060), "silent");
    assert.equal(await tcpFrom(lab, "node-b", IMDS_ADDRESS["node-b"], 80), "refused");
    await lab.rejoin("node-b");
    assert.equal(await tcpFrom(lab, "node-b", REFERENCE_PRIVATE.address, REFERENCE_PRIVATE.port), "connected");
  });

  test("lets a node die in silence", async () => {
    await lab.nodeGone("node-a");
    await caller.silentFor(300);
    assert.equal(await tcpFrom(lab, "node-b", ADDRESS["node-a"], 5060), "silent");
    await lab.heal();
    await caller.answeredBy("node-a");
  });

  test("hangs an Asterisk which still accepts connections and answers nothing", async () => {
    a.stop();
    await caller.silentFor(300);
    assert.equal(await tcpFrom(lab, "node-a", "127.0.0.1", 8088), "connected");
    await assert.rejects(a.ari("GET", "/asterisk/ping", { timeoutMs: 500 }));
    a.cont();
    await caller.answeredBy("node-a");
  });

  test("crashes an Asterisk and starts it again", async () => {
    assert.equal((await a.kill()).signal, "SIGKILL");
    await caller.silentFor(300);
    assert.equal(await tcpFrom(lab, "node-a", "127.0.0.1", 8088), "refused");
    await a.start();
    await a.waitBooted();
    await caller.answeredBy("node-a");
  });

  test("answers a call with 503 while the Stasis app is not there", async () => {
    const scenario = readFileSync(join(REPOSITORY, "test/support/lab/call-refused.xml"), "utf8");
    const sipp = await runSipp(lab, { scenario });
    const { ok, log } = await sipp.finished;
    assert.ok(ok, log);
  });

  test("leaves no namespace, process, mount or folder behind", async () => {
    const pids = [a.pid, b.pid];
    await lab.close();
    assert.deepEqual((await labNamespaces()).filter((name) => name.startsWith(`${lab.name}-`)), []);
    for (const pid of pids) assert.equal(isAlive(pid), false);
    assert.equal(readFileSync("/proc/self/mounts", "utf8").includes(lab.name), false);
    assert.equal(existsSync(lab.dir), false);
  });
});

describe("the lab's surroundings", { timeout: 600_000 }, () => {
  test("reads where packages come from in both formats of apt", () => {
    const expected = [{ url: "http://mirror.example/debian", suites: ["trixie"], components: ["main", "contrib"], keyring: "/k.gpg" }];
    const stanza = "# a comment\nTypes: deb deb-src\nURIs: http://mirror.example/debian\nSuites:\n trixie\nComponents: main contrib\nSigned-By: /k.gpg\n";
    assert.deepEqual(parseDeb822(`${stanza}\nEnabled: no\nTypes: deb\nURIs: http://off.example\n`), expected);
    assert.deepEqual(parseOneLine("#deb http://off.example x main\ndeb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian trixie main contrib # why\n"), expected);
  });

  test("removes what a killed test process left behind", async () => {
    const script = `
      import { openLab } from "./test/support/lab/network.ts";
      const lab = await openLab({ nodes: ["node-a"] });
      const sleeper = await lab.spawn("node-a", "sleep", ["600"]);
      console.log(lab.name, sleeper.pid);
      process.kill(process.pid, "SIGKILL");`;
    const child = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], { cwd: REPOSITORY, encoding: "utf8" });
    const [name = "", pid = ""] = child.stdout.trim().split(" ");
    assert.match(name, /^nal-/, child.stderr);
    assert.ok(isAlive(Number(pid)));
    await sweepLeftovers();
    assert.deepEqual((await labNamespaces()).filter((one) => one.startsWith(`${name}-`)), []);
    assert.equal(isAlive(Number(pid)), false);
  });

  test("lets two labs exist side by side, with a witness and a third node", async () => {
    const labs = await Promise.all([openLab({ nodes: ["node-a", "node-b", "node-c"], witness: true }), openLab()]);
    try {
      for (const lab of labs) assert.equal(await tcpFrom(lab, "node-a", REFERENCE_PRIVATE.address, REFERENCE_PRIVATE.port), "connected");
      assert.equal(await tcpFrom(labs[0], "witness", ADDRESS["node-c"], 5060), "refused");
    } finally {
      await Promise.all(labs.map((lab) => lab.close()));
    }
  });

  test("serves AWS's protocols from moto, on loopback and inside the lab", async () => {
    const moto = await startMoto({ port: 45_661 });
    try {
      const headers = { authorization: "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0" };
      const body = new URLSearchParams({ Action: "DescribeAddresses", Version: "2016-11-15" });
      const response = await fetch(moto.url, { method: "POST", headers, body });
      assert.equal(response.status, 200);
      assert.match(await response.text(), /DescribeAddressesResponse/);
    } finally {
      await moto.stop();
    }
    const lab = await openLab();
    try {
      await startLabMoto(lab);
    } finally {
      await lab.close();
    }
  });
});
