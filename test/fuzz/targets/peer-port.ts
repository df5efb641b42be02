/**
 * The heartbeat port itself, with its real listener: noise and damaged messages before TLS, within it (the upgrade), and
 * after it (WebSocket frames). Nothing of that may be taken for a heartbeat that was not sent, nor keep a good member out.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import fc from "fast-check";
import { z } from "zod";
import { LINK_PATH } from "../../../agent/adapters/link-tls.ts";
import { WsPeerLink } from "../../../agent/adapters/ws-peer-link.ts";
import { encodeFrame } from "../../../agent/core/heartbeat.ts";
import { CLUSTER, FIRST_LIFE, heartbeatOf, keyOf, recorder } from "../../support/peer-frames.ts";
import { dialLink, dialTcp, dialTls } from "../../support/raw-peer.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { mutatedText, pieces } from "../mutate.ts";
import { target } from "../target.ts";
import { assertSoundFrame } from "./heartbeat.ts";

/** How a member begins: node's own ClientHello for this cipher, recorded once. */
const CLIENT_HELLO = Buffer.from("1603010079010000750303ec0a3a8e45970cc0acddbced919667f7fb98c9cc429251b8b520edd2a0464445000004ccac00ff01000048000b000403000102000a00060004001d00170016000000170000000d002a0028040305030603080708080809080a080b080408050806040105010601030303010302040205020602", "hex").toString("latin1");
const UPGRADE = `GET ${LINK_PATH} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
const STAGES = ["tcp", "tls", "websocket"] as const;
const KEY = keyOf(1);
const WAIT_MS = 20_000;
const HANDSHAKE_MS = 400;
/** No limit of the link may end a case before its subject does: they have tests of their own. */
const PLENTY = 1_000_000;
const LIMITS = { framesBurst: PLENTY, framesPerSecond: PLENTY, handshakesBurst: PLENTY, handshakesPerSecond: PLENTY, pendingPerMember: PLENTY, maxConnections: 10_000 };

/** A masked WebSocket frame as a client sends it; the mask is zero, so that the text stays readable to who mutates it. */
function wsFrame(opcode: number, text: string, fin = true): string {
  const bytes = Buffer.from(text, "utf8");
  const head = bytes.length < 126 ? [0x80 | bytes.length] : [0x80 | 126, bytes.length >> 8, bytes.length & 0xff];
  return Buffer.from([(fin ? 0x80 : 0) | opcode, ...head, 0, 0, 0, 0, ...bytes]).toString("latin1");
}

const good = encodeFrame(heartbeatOf("b", 3));
const SEEDS = {
  tcp: [CLIENT_HELLO, UPGRADE, "", CLIENT_HELLO.repeat(2)],
  tls: [UPGRADE, `${UPGRADE}${wsFrame(1, good)}`, UPGRADE.replace("13", "8")],
  websocket: [wsFrame(1, good), `${wsFrame(1, good.slice(0, 50), false)}${wsFrame(0, good.slice(50))}`, `${wsFrame(9, "ping")}${wsFrame(1, good)}${wsFrame(8, "\u0003\u00e8")}`, wsFrame(2, good)],
} as const;
const TOKENS = {
  tcp: ["\u0016\u0003\u0001", "\u0016\u0003\u0003\u0040\u0000", "\u0015\u0003\u0003\u0000\u0002\u0002\u0028", "\u0014\u0003\u0003\u0000\u0001\u0001", "\u0017\u0003\u0003", "\u00ff\u00ff", "\u0000\u0000\u0000", "\u0080\u002e\u0001"],
  tls: ["\r\n", "\r\n\r\n", "Upgrade: h2c\r\n", "Connection: Upgrade\r\n", "Sec-WebSocket-Extensions: permessage-deflate\r\n", "Transfer-Encoding: chunked\r\n", "Content-Length: 5\r\n", "GET / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "Host: b\r\n", "Expect: 100-continue\r\n"],
  websocket: ["\u0081\u0080\u0000\u0000\u0000\u0000", "\u0081\u00ff\u0000\u0000\u0000\u0000\u00ff\u00ff\u00ff\u00ff", "\u00c1", "\u0001\u0080", "\u0088\u0080", "\u0089\u00fe\u0000\u0080", "\u008a\u0080", "\u00f1", "\u0083\u0080", '"sequence":9', "\u00ff\u00fe"],
} as const;

const input = fc.constantFrom(...STAGES).chain((stage) =>
  fc.record({ stage: fc.constant(stage), bytes: mutatedText(fc.constantFrom<string>(...SEEDS[stage]), TOKENS[stage]), cuts: fc.array(fc.integer({ min: 1, max: 80 }), { maxLength: 4 }) }),
);

/** Writes and hangs up; resolves when the connection is gone. */
async function say(socket: Socket, parts: readonly string[]): Promise<void> {
  let over = socket.destroyed;
  socket.once("close", () => (over = true)).resume();
  for (const part of parts) if (socket.writable) socket.write(part, "latin1");
  socket.end();
  if (!over) await waitUntil("the connection to end", () => over, WAIT_MS);
}

export const peerPort = target({
  name: "peer-port",
  says: "bytes on the heartbeat port: before TLS, as the upgrade, and as WebSocket frames",
  inputs: input,
  schema: z.object({ stage: z.enum(STAGES), bytes: z.string(), cuts: z.array(z.int().min(1)) }),
  casesInSuite: 60,
  share: 6_000,
  open: async () => {
    const { seen, handlers } = recorder();
    const elsewhere = { host: "127.0.0.1", port: 1 };
    const link = new WsPeerLink({
      clusterId: CLUSTER, nodeId: "a", members: new Map([["b", elsewhere], ["c", elsewhere]]), listen: { host: "127.0.0.1", port: 0 }, keys: new Map([["k1", KEY]]), dialWith: "k1", limits: LIMITS,
      deadlines: { handshakeTimeoutMs: HANDSHAKE_MS, silentAfterMs: 5_000 }, redial: { minMs: 60_000, maxMs: 60_000 }, clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() }, random: () => 0.5,
    });
    await link.start(handlers);
    const port = link.port ?? 0;
    // A sender that lives anew with every case: what is repeated would be refused as replayed, and nothing else be tried.
    let lives = 0;
    const nextLife = (): string => (lives += 1).toString(16).padStart(FIRST_LIFE.length, "0");
    return {
      async feed({ stage, bytes, cuts }) {
        const socket = stage === "tcp" ? dialTcp(port) : await dialTls(port, `${CLUSTER}/b/k1`, KEY);
        if (stage === "tcp") await Promise.race([once(socket, "connect"), once(socket, "close")]);
        if (stage === "websocket") {
          socket.write(UPGRADE);
          await once(socket, "data");
        }
        await say(socket, pieces(bytes.replaceAll(FIRST_LIFE, nextLife()), cuts));
        const heartbeats = seen.heartbeats.splice(0);
        for (const { from, heartbeat } of heartbeats) {
          assert.notEqual(stage, "tcp", "a heartbeat without a key");
          assertSoundFrame(heartbeat, from);
          assert.equal(from, "b");
        }
        for (const { from, frame } of seen.rosters.splice(0)) assertSoundFrame(frame, from);
        seen.refusals.length = 0;
        seen.connections.length = 0;
        return heartbeats.length > 0;
      },
      async afterwards() {
        const ws = await dialLink(port, `${CLUSTER}/c/k1`, KEY);
        ws.send(encodeFrame(heartbeatOf("c", 1, { incarnation: nextLife() })));
        await waitUntil("a good member's heartbeat", () => seen.heartbeats.some(({ from }) => from === "c"), WAIT_MS);
        seen.heartbeats.length = 0;
        ws.terminate();
      },
      close: () => link.close(),
    };
  },
});
