/**
 * The known traps of ari-client and of ARI, each sprung on purpose: the process lives, every question settles, and the
 * event socket comes back by itself.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { AriTelephony } from "../../agent/adapters/ari-telephony.ts";
import { AsteriskStandIn, type StandInOptions } from "../support/asterisk-stand-in/asterisk-stand-in.ts";
import { rejectsWith } from "../support/rejects-with.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitUntil } from "../support/wait-until.ts";
import { makeTelephony, soon, withTelephony } from "./telephony-contract.ts";

const PATIENCE_MS = 20_000;
const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

/** A stand-in that is up until the test ends, and what an adapter needs to know of it. */
async function makeStandIn(context: TestContext, password = "stand-in-pass"): Promise<{ standIn: AsteriskStandIn; access: Parameters<typeof makeTelephony>[0] }> {
  const folder = await temporaryFolder();
  const options: StandInOptions = { nodeId: "node-a", username: "agent", password, controlSocketPath: join(folder.path, "asterisk.ctl"), apps: ["callcenter"] };
  const standIn = new AsteriskStandIn(options);
  await standIn.start();
  context.after(async () => {
    await standIn.stop();
    await folder.remove();
  });
  return { standIn, access: { ...options, ariUrl: standIn.ariUrl } };
}

describe("what can go wrong with ARI", { timeout: 120_000 }, () => {
  it("survives events that it does not know, that lack their parts, or that are none", async (context) => {
    const { standIn, access } = await makeStandIn(context);
    await withTelephony(access, async ({ telephony, debug, socket }) => {
      for (let time = 1; time <= 3; time += 1) {
        standIn.sendRaw('{"type":"BrandNewEvent","channel":{}}');
        standIn.sendRaw('{"type":"StasisStart","channel":{}}');
        standIn.sendRaw('{"type":"__proto__"}');
        for (const nonsense of ["", "null", "[]", "{", "7", '{"type":7}']) standIn.sendRaw(nonsense);
      }
      await telephony.canaryCall(soon());
      assert.deepEqual(socket, [true]);
      const ignored = debug.filter((line) => line.startsWith("Events of type"));
      assert.equal(ignored.length, new Set(ignored).size, "each type is told once");
      for (const type of ["BrandNewEvent", "StasisStart", "__proto__", "(not JSON)", "(no type)"]) assert.ok(ignored.some((line) => line.includes(type)), type);
    });
  });

  it("gives up a call that is never answered, sends no more than five of them, and is well again after a restart", async (context) => {
    const { standIn, access } = await makeStandIn(context);
    await withTelephony(access, async ({ telephony, open }) => {
      await waitUntil("the set-up", () => standIn.requests(/subscription/) === 1, PATIENCE_MS);
      standIn.setFault("originateHangs", true);
      const outcomes: string[] = [];
      while (!outcomes.some((message) => message.includes("5 earlier calls are still unanswered")) && outcomes.length < 20) {
        await telephony.canaryCall(AbortSignal.timeout(50)).catch((error: unknown) => outcomes.push(String(error)));
      }
      assert.ok(outcomes.length >= 5 && outcomes.length < 20, outcomes.join("\n"));
      const sent = standIn.requests(/^POST \/ari\/channels/);
      assert.ok(sent >= 4 && sent <= 5, `${sent} were sent`);
      await telephony.ping(soon());
      await standIn.stop();
      await standIn.start();
      await waitUntil("the event socket again", async () => open() && (await telephony.canaryCall(soon()).then(() => true, () => false)), PATIENCE_MS);
    });
  });

  it("never asks twice at once for an application, while ARI's session lock is stuck", async (context) => {
    const { standIn, access } = await makeStandIn(context);
    await withTelephony(access, async ({ telephony }) => {
      await waitUntil("the set-up", () => standIn.requests(/subscription/) === 1, PATIENCE_MS);
      assert.equal(await telephony.stasisAppRegistered("callcenter", soon()), true);
      standIn.setFault("applicationsHang", true);
      for (let time = 1; time <= 3; time += 1) await rejectsWith("AGENT_PROBE_TIMEOUT", telephony.stasisAppRegistered("callcenter", AbortSignal.timeout(50)));
      assert.equal(standIn.requests(/^GET \/ari\/applications\/callcenter$/), 2);
      await telephony.ping(soon());
      await telephony.canaryCall(soon());
    });
  });

  it("tells an application that has lost its event socket from one that has it, and one that is missing", async (context) => {
    const { standIn, access } = await makeStandIn(context);
    const { telephony } = makeTelephony(access);
    for (const [as, registered] of [["connected", true], ["deaf", false], ["missing", false]] as const) {
      standIn.setApp("callcenter", as);
      assert.equal(await telephony.stasisAppRegistered("callcenter", soon()), registered, as);
    }
    await telephony.close();
  });

  it("is not brought down by any page of ARI's description that fails or is empty, and starts when it is whole", async (context) => {
    const { standIn, access } = await makeStandIn(context);
    // The first page is asked for by us and then by the library: it fails for either.
    const pages = [["resources", 0], ["resources", 1], ["asterisk", 0], ["applications", 0], ["channels", 0], ["events", 0]] as const;
    for (const how of ["unavailable", "empty"] as const) {
      for (const [page, good] of pages) {
        standIn.breakPage(page, how, good);
        const made = makeTelephony(access);
        made.telephony.start((open) => made.socket.push(open));
        try {
          // An empty page that the agent has no use for is no failure.
          await waitUntil(`an attempt with ${page} ${how}`, () => made.debug.length > 0 || made.open(), PATIENCE_MS);
          standIn.mendPages();
          await waitUntil(`the event socket after ${page} ${how}`, made.open, PATIENCE_MS);
          await made.telephony.canaryCall(soon());
        } finally {
          await made.telephony.close();
        }
      }
    }
  });

  it("gives up an event socket without pongs, and opens a new one", async (context) => {
    const { standIn, access } = await makeStandIn(context);
    await withTelephony(access, async ({ socket, debug }) => {
      standIn.setFault("silentSockets", true);
      await waitUntil("the loss of the socket", () => socket.includes(false), PATIENCE_MS);
      assert.ok(debug.some((line) => line.includes("no pong")));
      standIn.setFault("silentSockets", false);
      await waitUntil("the event socket again", () => socket.at(-1) === true, PATIENCE_MS);
    });
  });

  it("comes through an outage of more attempts than ari-client would make", async (context) => {
    const { standIn, access } = await makeStandIn(context);
    await withTelephony(access, async ({ telephony, open }) => {
      await standIn.stop();
      let attempts = 0;
      const door = createServer((socket) => {
        attempts += 1;
        socket.resetAndDestroy();
      });
      await new Promise<void>((resolve) => door.listen(Number(new URL(access.ariUrl).port), "127.0.0.1", resolve));
      await waitUntil("more than ten attempts", () => attempts > 12, PATIENCE_MS);
      await new Promise((resolve) => door.close(resolve));
      await standIn.start();
      await waitUntil("the event socket again", open, PATIENCE_MS);
      await telephony.canaryCall(soon());
    });
  });

  it("bounds every step of a connection to an Asterisk that hangs from the start", async (context) => {
    const { standIn, access } = await makeStandIn(context);
    standIn.setFault("hang", true);
    const telephony = new AriTelephony({ ...access, clock: { monotonicMs: () => performance.now() }, random: () => 0, timing: { connectWithinMs: 100, retryMinMs: 10, retryMaxMs: 10 } });
    let opened = false;
    telephony.start((open) => { opened = open; });
    await waitUntil("several attempts", () => standIn.requests(/resources\.json/) >= 3, PATIENCE_MS);
    standIn.setFault("hang", false);
    await waitUntil("the event socket", () => opened, PATIENCE_MS);
    await telephony.close();
  });

  it("hangs up a canary call that never arrived", async (context) => {
    const { standIn, access } = await makeStandIn(context);
    await withTelephony(access, async ({ telephony }) => {
      standIn.setFault("canaryFails", true);
      await rejectsWith("AGENT_PROBE_TIMEOUT", telephony.canaryCall(AbortSignal.timeout(100)));
      await waitUntil("no channel to be left", () => standIn.canaryChannels() === 0, PATIENCE_MS);
      standIn.setFault("canaryFails", false);
      await telephony.canaryCall(soon());
    });
  });

  it("hangs up, with its next event socket, a canary call whose arrival it could not hear", async (context) => {
    const { standIn, access } = await makeStandIn(context);
    await withTelephony(access, async ({ telephony, socket, open }) => {
      await waitUntil("the set-up", () => standIn.requests(/subscription/) === 1, PATIENCE_MS);
      standIn.setFault("silentSockets", true);
      const call = rejectsWith("AGENT_ARI_FAILED", telephony.canaryCall(soon()));
      await waitUntil("the channel", () => standIn.canaryChannels() === 1, PATIENCE_MS);
      standIn.dropSockets();
      await call;
      standIn.setFault("silentSockets", false);
      await waitUntil("the event socket again", () => socket.includes(false) && open(), PATIENCE_MS);
      await waitUntil("no channel to be left", () => standIn.canaryChannels() === 0, PATIENCE_MS);
    });
  });

  it("lists contacts again when an event has told of a change, but not too often", async (context) => {
    const { standIn, access } = await makeStandIn(context);
    let nowMs = 0;
    const telephony = new AriTelephony({ ...access, clock: { monotonicMs: () => nowMs }, random: () => 0 });
    telephony.start(() => undefined);
    try {
      await waitUntil("the set-up", () => standIn.requests(/subscription/) === 1, PATIENCE_MS);
      standIn.setContacts(3, 1);
      assert.deepEqual(await telephony.contactCounts(soon()), { reachable: 3, unreachable: 1 });
      standIn.setContacts(4, 0);
      assert.deepEqual(await telephony.contactCounts(soon()), { reachable: 3, unreachable: 1 });
      nowMs += 31_000;
      const changed = async (): Promise<boolean> => (await telephony.contactCounts(soon())).reachable === 4;
      await waitUntil("the event to bring a new listing", changed, PATIENCE_MS);
    } finally {
      await telephony.close();
    }
  });

  it("keeps two adapters with different passwords apart", async (context) => {
    const [one, two] = [await makeStandIn(context, "first-pass"), await makeStandIn(context, "second-pass")];
    await withTelephony(one.access, ({ telephony: first }) =>
      withTelephony(two.access, async ({ telephony: second }) => {
        await Promise.all([first.canaryCall(soon()), second.canaryCall(soon()), first.ping(soon()), second.ping(soon())]);
      }),
    );
  });

  for (const how of ["from the sources", "as one ES module file, which is strict and has no node_modules"] as const) {
    it(`prints nothing, and lets the process end after close, when run ${how}`, async (context) => {
      const { access } = await makeStandIn(context);
      const folder = await temporaryFolder();
      context.after(() => folder.remove());
      const program = `
        const { AriTelephony } = await import("./agent/adapters/ari-telephony.ts");
        const telephony = new AriTelephony({ ...${JSON.stringify({ ...access, apps: undefined })}, clock: { monotonicMs: () => performance.now() }, random: Math.random });
        await new Promise((resolve) => telephony.start((open) => { if (open) resolve(); }));
        await telephony.canaryCall(AbortSignal.timeout(10000));
        await telephony.close();`;
      const bundle = join(folder.path, "bundle.mjs");
      const flags = how === "from the sources" ? ["--import", "tsx", "--input-type=module", "-e", program] : [bundle];
      if (flags[0] === bundle) {
        await build({
          stdin: { contents: program, resolveDir: REPOSITORY, loader: "ts" },
          outfile: bundle,
          bundle: true,
          platform: "node",
          format: "esm",
          // Asked for only by what ari-transport.ts replaces.
          external: ["shred", "btoa"],
          banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
        });
      }
      const child = spawn(process.execPath, flags, { cwd: REPOSITORY, stdio: ["ignore", "pipe", "inherit"] });
      let printed = "";
      child.stdout.on("data", (chunk: Buffer) => { printed += chunk.toString(); });
      const [code] = (await once(child, "close")) as [number];
      assert.equal(printed, "");
      assert.equal(code, 0);
    });
  }
});
