/**
 * What every Asterisk must give the telephony adapter, and what the adapter makes of it. Runs against the stand-in on any
 * machine and against a real Asterisk in the end-to-end tests, which keeps the stand-in honest.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { WebSocket } from "ws";
import { AriTelephony } from "../../agent/adapters/ari-telephony.ts";
import { rejectsWith } from "../support/rejects-with.ts";
import { waitUntil } from "../support/wait-until.ts";

/** An Asterisk, real or not, with the canary's dialplan and one ARI user. */
export interface TestAsterisk {
  readonly ariUrl: string;
  readonly username: string;
  readonly password: string;
  /** Its systemname; the agent's application is `node-agent-NODE`. */
  readonly nodeId: string;
  readonly controlSocketPath: string;
  /** Starts it (again), at the same addresses; resolves when it is up. */
  start(): Promise<void>;
  /** A crash. */
  kill(): Promise<void>;
  /** Resolves when it has stopped. */
  freeze(): Promise<void>;
  thaw(): void;
  /** Ends it for good. */
  remove(): Promise<void>;
}

/** An adapter on that Asterisk, and what it has told. */
export interface TestTelephony {
  readonly telephony: AriTelephony;
  /** What onSocket was told, in order. */
  readonly socket: boolean[];
  readonly debug: string[];
  readonly open: () => boolean;
}

/** Long enough for a busy machine; a test that waits this long has failed. */
const PATIENCE_MS = 20_000;

/** A deadline that does not matter where the test is about something else. */
export const soon = (): AbortSignal => AbortSignal.timeout(PATIENCE_MS);

/** Quick enough for tests, slow enough for a busy machine. */
const TIMING = { pingIntervalMs: 300, connectWithinMs: 5_000, retryMinMs: 20, retryMaxMs: 200, settledAfterMs: 1_000, setUpAgainMs: 200 };

export function makeTelephony(asterisk: Pick<TestAsterisk, "ariUrl" | "username" | "password" | "nodeId" | "controlSocketPath">): TestTelephony {
  const { ariUrl, username, password, nodeId, controlSocketPath } = asterisk;
  const socket: boolean[] = [];
  const debug: string[] = [];
  const telephony = new AriTelephony({
    ariUrl,
    username,
    password,
    nodeId,
    controlSocketPath,
    clock: { monotonicMs: () => performance.now() },
    random: Math.random,
    onDebug: (message) => debug.push(message),
    timing: TIMING,
  });
  return { telephony, socket, debug, open: () => socket.at(-1) === true };
}

/** Starts an adapter, waits for its socket, and closes it after the work. */
export async function withTelephony(asterisk: Parameters<typeof makeTelephony>[0], work: (made: TestTelephony) => Promise<void>): Promise<void> {
  const made = makeTelephony(asterisk);
  made.telephony.start((open) => made.socket.push(open));
  try {
    await waitUntil("the event socket", made.open, PATIENCE_MS);
    await work(made);
  } finally {
    await made.telephony.close();
  }
}

/** The event socket of a Stasis application that is not ours. */
async function connectApp(asterisk: TestAsterisk, app: string): Promise<WebSocket> {
  const url = new URL(`/ari/events?app=${app}&api_key=${asterisk.username}:${asterisk.password}`, asterisk.ariUrl.replace("http", "ws"));
  const socket = new WebSocket(url).on("error", () => undefined);
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return socket;
}

async function ari(asterisk: TestAsterisk, method: string, path: string): Promise<Response> {
  const authorization = `Basic ${Buffer.from(`${asterisk.username}:${asterisk.password}`).toString("base64")}`;
  return fetch(`${asterisk.ariUrl}/ari${path}`, { method, headers: { authorization }, signal: soon() });
}

async function channelsOf(asterisk: TestAsterisk): Promise<number> {
  return ((await (await ari(asterisk, "GET", "/channels")).json()) as unknown[]).length;
}

/** The suite. `makeAsterisk` makes one that is up. */
export function describeTelephonyContract(name: string, makeAsterisk: () => Promise<TestAsterisk>): void {
  describe(`telephony on ${name}`, { timeout: 180_000 }, () => {
    let asterisk: TestAsterisk;
    before(async () => {
      asterisk = await makeAsterisk();
    });
    after(() => asterisk.remove());

    it("answers every question of a healthy Asterisk", () =>
      withTelephony(asterisk, async ({ telephony }) => {
        await telephony.ping(soon());
        await telephony.canaryCall(soon());
        assert.equal(await telephony.alertedQueues(soon()), 0);
        assert.deepEqual(await telephony.callCounts(soon()), { calls: 0, channels: 0 });
        assert.deepEqual(await telephony.contactCounts(soon()), { reachable: 0, unreachable: 0 });
        const { version, systemName } = await telephony.describe(soon());
        assert.match(version, /^2\d\./);
        assert.equal(systemName, asterisk.nodeId);
      }));

    it("makes canary calls in a row, leaves no channel behind, and counts none of them", () =>
      withTelephony(asterisk, async ({ telephony }) => {
        for (let call = 1; call <= 5; call += 1) {
          await telephony.canaryCall(soon());
          assert.deepEqual(await telephony.callCounts(soon()), { calls: 0, channels: 0 });
        }
        assert.equal(await channelsOf(asterisk), 0);
      }));

    it("filters and subscribes its own application, and nothing else", () =>
      withTelephony(asterisk, async () => {
        const shown = await waitUntil(
          "the subscription",
          async () => {
            const app = (await (await ari(asterisk, "GET", `/applications/node-agent-${asterisk.nodeId}`)).json()) as { endpoint_ids: string[]; events_allowed: { type: string }[] };
            return app.endpoint_ids.length > 0 && app;
          },
          PATIENCE_MS,
        );
        assert.deepEqual(shown.endpoint_ids.map((id) => id.replace("endpoint:", "")), ["PJSIP"]);
        assert.deepEqual(shown.events_allowed.map(({ type }) => type), ["ContactStatusChange", "PeerStatusChange", "StasisStart", "ApplicationReplaced", "ChannelDestroyed"]);
      }));

    it("sees whether another application is registered and has its event socket", () =>
      withTelephony(asterisk, async ({ telephony }) => {
        const registered = (): Promise<boolean> => telephony.stasisAppRegistered("contract-app", soon());
        assert.equal(await registered(), false);
        const socket = await connectApp(asterisk, "contract-app");
        assert.equal(await registered(), true);
        // A subscription keeps the name registered when the socket goes, as a call in progress would.
        await ari(asterisk, "POST", "/applications/contract-app/subscription?eventSource=endpoint:PJSIP");
        socket.terminate();
        await waitUntil("the application to be seen without its socket", async () => !(await registered()), PATIENCE_MS);
        assert.equal((await ari(asterisk, "GET", "/applications/contract-app")).status, 200);
      }));

    it("is denied with a wrong password, says so, and does not say the password", async () => {
      const made = makeTelephony({ ...asterisk, password: "wr0ng-word" });
      made.telephony.start((open) => made.socket.push(open));
      try {
        const denied = await rejectsWith("AGENT_ARI_DENIED", made.telephony.ping(soon()));
        await waitUntil("the socket's failure", () => made.debug.length > 0, PATIENCE_MS);
        const noCanary = await rejectsWith("AGENT_ARI_DENIED", made.telephony.canaryCall(soon()));
        assert.equal(made.socket.length, 0);
        assert.doesNotMatch(JSON.stringify([denied.message, noCanary.message, made.debug]), /wr0ng-word|api_key=[^…]/);
      } finally {
        await made.telephony.close();
      }
    });

    it("tells a crash at once, is refused while Asterisk is away, and is back when it is", () =>
      withTelephony(asterisk, async ({ telephony, socket, open }) => {
        await telephony.ping(soon());
        await asterisk.kill();
        await waitUntil("the loss of the socket", () => !open(), PATIENCE_MS);
        await rejectsWith("AGENT_PROBE_REFUSED", telephony.ping(soon()));
        await rejectsWith("AGENT_PROBE_REFUSED", telephony.stasisAppRegistered("contract-app", soon()));
        await rejectsWith("AGENT_PROBE_REFUSED", telephony.callCounts(soon()));
        await asterisk.start();
        await waitUntil("the event socket again", open, PATIENCE_MS);
        await telephony.ping(soon());
        await telephony.canaryCall(soon());
        assert.deepEqual(socket, [true, false, true]);
      }));

    it("waits for an Asterisk that is not there at the start", async () => {
      await asterisk.kill();
      const made = makeTelephony(asterisk);
      made.telephony.start((open) => made.socket.push(open));
      try {
        await waitUntil("a failed attempt", () => made.debug.length > 0, PATIENCE_MS);
        await rejectsWith("AGENT_PROBE_REFUSED", made.telephony.canaryCall(soon()));
        await asterisk.start();
        await waitUntil("the event socket", made.open, PATIENCE_MS);
        await made.telephony.canaryCall(soon());
      } finally {
        await made.telephony.close();
      }
    });

    it("gives up every question to a frozen Asterisk at its deadline, loses the silent socket, and recovers without a leaked channel", () =>
      withTelephony(asterisk, async ({ telephony, open }) => {
        await telephony.canaryCall(soon());
        await asterisk.freeze();
        try {
          const short = (): AbortSignal => AbortSignal.timeout(300);
          await Promise.all([
            rejectsWith("AGENT_PROBE_TIMEOUT", telephony.ping(short())),
            rejectsWith("AGENT_PROBE_TIMEOUT", telephony.canaryCall(short())),
            rejectsWith("AGENT_PROBE_TIMEOUT", telephony.stasisAppRegistered("contract-app", short())),
            rejectsWith("AGENT_PROBE_TIMEOUT", telephony.callCounts(short())),
            rejectsWith("AGENT_PROBE_TIMEOUT", telephony.describe(short())),
          ]);
          await waitUntil("the silent socket to be given up", () => !open(), PATIENCE_MS);
        } finally {
          asterisk.thaw();
        }
        await waitUntil("the event socket again", open, PATIENCE_MS);
        await telephony.ping(soon());
        await telephony.canaryCall(soon());
        assert.equal(await telephony.stasisAppRegistered(`node-agent-${asterisk.nodeId}`, soon()), true);
        // The canary that was ordered while it was frozen is carried out now; it must be found and hung up.
        await waitUntil("no channel to be left", async () => (await channelsOf(asterisk)) === 0, PATIENCE_MS);
      }));

    it("notices that somebody else took its application's name, and takes it back", () =>
      withTelephony(asterisk, async ({ telephony, socket, open, debug }) => {
        await waitUntil("the set-up", async () => (await (await ari(asterisk, "GET", `/applications/node-agent-${asterisk.nodeId}`)).text()).includes("ApplicationReplaced"), PATIENCE_MS);
        const thief = await connectApp(asterisk, `node-agent-${asterisk.nodeId}`);
        await waitUntil("the loss of the socket", () => socket.includes(false), PATIENCE_MS);
        await waitUntil("the event socket again", open, PATIENCE_MS);
        await telephony.canaryCall(soon());
        assert.ok(debug.some((line) => line.includes("another program")));
        thief.terminate();
      }));

    it("starts nothing after an abort, and nothing after close", async () => {
      const { telephony } = makeTelephony(asterisk);
      const aborted = AbortSignal.abort();
      for (const asked of [telephony.ping(aborted), telephony.callCounts(aborted), telephony.describe(aborted), telephony.stasisAppRegistered("x", aborted), telephony.contactCounts(aborted)]) {
        await rejectsWith("AGENT_PROBE_TIMEOUT", asked);
      }
      await telephony.close();
    });
  });
}
