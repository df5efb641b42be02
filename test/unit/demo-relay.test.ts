import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { findAsterisk } from "../demo/asterisks.ts";
import { minimalConfig } from "../demo/minimal-asterisk.ts";
import { freePorts } from "../demo/ports.ts";
import { UdpRelay } from "../demo/udp-relay.ts";
import { waitUntil } from "../support/wait-until.ts";

const DEADLINE_MS = 10_000;

/** A node that answers every datagram with its name. */
async function responder(name: string): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.on("message", (_datagram, from) => socket.send(name, from.port, from.address));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

describe("the demo's Elastic IP", () => {
  const answers: string[] = [];
  let a: Socket, b: Socket, client: Socket, relay: UdpRelay;
  let target: number | null = null;
  /** How many datagrams the relay has looked at. */
  let asked = 0;
  /** Asks until somebody answers, as a caller does: a single datagram may be lost. */
  const ask = async (): Promise<string> => {
    answers.length = 0;
    return waitUntil("an answer through the relay", () => {
      client.send("?", relay.port, "127.0.0.1");
      return answers.at(-1);
    }, DEADLINE_MS);
  };

  before(async () => {
    [a, b] = await Promise.all([responder("a"), responder("b")]);
    target = a.address().port;
    relay = new UdpRelay(() => {
      asked += 1;
      return target;
    });
    await relay.listen();
    client = createSocket("udp4").on("message", (datagram) => answers.push(datagram.toString()));
    client.bind(0, "127.0.0.1");
    await once(client, "listening");
  });

  after(() => {
    relay.close();
    for (const socket of [a, b, client]) socket.close();
  });

  it("leads to its holder, and to the next one after a move, for the same caller", async () => {
    assert.equal(await ask(), "a");
    target = b.address().port;
    await waitUntil("the other node to answer", async () => (await ask()) === "b", DEADLINE_MS);
  });

  it("drops what is sent to nobody, and what is sent while it is dark", async () => {
    const reached: string[] = [];
    b.on("message", (datagram) => reached.push(datagram.toString()));
    /** Sends until the relay has handled one, so that the next lines find it done. */
    const handled = async (what: string): Promise<void> => {
      const before = asked;
      await waitUntil("the relay to handle it", () => {
        client.send(what, relay.port, "127.0.0.1");
        return asked > before;
      }, DEADLINE_MS);
    };
    relay.setDark(true);
    await handled("in the dark");
    const holder = target;
    target = null;
    relay.setDark(false);
    await handled("to nobody");
    target = holder;
    answers.length = 0;
    await waitUntil("the way to be open again", async () => (await ask()) === "b", DEADLINE_MS);
    assert.ok(!reached.includes("in the dark"), "dark lets nothing through");
  });
});

describe("the demo's choice of ports", () => {
  it("gives different ones, from below those that systems take for themselves", async () => {
    const ports = await freePorts(8);
    assert.equal(new Set(ports).size, 8);
    for (const port of ports) assert.ok(port >= 20_000 && port < 32_000, String(port));
  });
});

describe("the demo's real Asterisk", () => {
  it("is the first program of that name on the path that can be run", () => {
    const folder = mkdtempSync(join(tmpdir(), "node-agent-"));
    try {
      const program = join(folder, "asterisk");
      writeFileSync(program, "#!/bin/sh\n");
      assert.notEqual(findAsterisk(folder), program, "not executable");
      writeFileSync(join(folder, "run-me"), "", { mode: 0o755 });
      rmSync(program);
      writeFileSync(program, "#!/bin/sh\n", { mode: 0o755 });
      assert.equal(findAsterisk(`/nowhere:${folder}`), program);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("listens on the loopback only, and names its node to callers", () => {
    const files = minimalConfig({ node: "node-b", folder: "/somewhere", sipPort: 20_001, httpPort: 20_002, ariPassword: "machine-made" });
    assert.match(files["pjsip.conf"] ?? "", /bind = 127\.0\.0\.1:20001/);
    assert.match(files["pjsip.conf"] ?? "", /user_agent = node-agent node-b/);
    assert.match(files["http.conf"] ?? "", /bindaddr = 127\.0\.0\.1\nbindport = 20002/);
    assert.match(files["asterisk.conf"] ?? "", /astrundir = \/somewhere\n/);
    assert.match(files["extensions.conf"] ?? "", /exten => enter,1,Stasis\(node-agent-node-b,canary\)/);
  });
});
