/**
 * A server that answers every request with the bytes that it was given: HTTP as its clients never want to see it. Each
 * connection is closed after an answer unless it is told to stay, so that a broken answer ends and nobody has to wait for
 * a deadline.
 */
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import fc from "fast-check";
import { z } from "zod";
import { latin1, mutatedText } from "./mutate.ts";

export interface RawReply {
  /** Characters up to U+00FF. */
  readonly bytes: string;
  readonly stay: boolean;
}

export const rawReplySchema: z.ZodType<RawReply> = z.object({ bytes: z.string(), stay: z.boolean() });

/** A well-formed answer. */
export function httpText(status: number, body: string, headers: readonly string[] = ["content-type: application/json"]): string {
  return [`HTTP/1.1 ${status} Words`, ...headers, `content-length: ${Buffer.byteLength(body, "utf8")}`, "", body].join("\r\n");
}

const HTTP_TOKENS = ["\r\n", "\r\n\r\n", "\n", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n", "HTTP/2 200\r\n", "content-length: 0\r\n", "content-length: 99999\r\n", "Content-Length: -1\r\n", "transfer-encoding: chunked\r\n", "5\r\nhello\r\n", "0\r\n\r\n", "ffffffffffffffff\r\n", "connection: close\r\n", "location: http://127.0.0.1:1/\r\n", "set-cookie: a=b\r\n", "x: \u0000\r\n", "null", "{}"];

/** Answers of which each is odd by itself, and which chance would hardly make. */
const ODD_ANSWERS = [
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${httpText(200, "{}")}`,
  `${httpText(500, "{}")}${httpText(200, '{"system":{"version":"66"}}')}`,
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx-trailer: y\r\n\r\n",
  "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
  "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x",
  "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}",
  "HTTP/1.0 200 OK\r\n\r\n{}", "HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\n{}", "HTTP/1.1 304 Not Modified\r\n\r\n", "HTTP/1.1 200\r\n\r\n", "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
  `HTTP/1.1 200 OK\r\nx: ${"x".repeat(20_000)}\r\n\r\n`, `HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(3_000)}\r\n`, `HTTP/1.1 200 OK\r\n\r\n${"[".repeat(1_100_000)}`,
];

/** Answers with good or mutated bodies, well-formed or damaged themselves. */
export function rawReplies(bodies: fc.Arbitrary<string>, headers?: readonly string[]): fc.Arbitrary<RawReply> {
  const status = fc.oneof({ weight: 6, arbitrary: fc.constant(200) }, { weight: 4, arbitrary: fc.constantFrom(100, 101, 103, 201, 204, 206, 301, 304, 400, 401, 403, 404, 409, 429, 500, 503, 599, 999) });
  const formed = fc.tuple(status, bodies).map(([code, body]) => httpText(code, body, headers));
  const bytes = fc.oneof({ weight: 5, arbitrary: formed }, { weight: 3, arbitrary: mutatedText(formed, HTTP_TOKENS, { editsMax: 3 }) }, { weight: 1, arbitrary: fc.string({ maxLength: 60, unit: "binary" }) }, { weight: 1, arbitrary: fc.constantFrom(...ODD_ANSWERS) }).map(latin1);
  // Only a well-formed answer can be waited for on a connection that stays.
  return fc.oneof({ weight: 4, arbitrary: bytes.map((text) => ({ bytes: text, stay: false })) }, { weight: 1, arbitrary: formed.map((text) => ({ bytes: latin1(text), stay: !text.startsWith("HTTP/1.1 1") })) });
}

export interface RawServer {
  readonly port: number;
  /** How the next requests are answered, in order; the last one again and again. */
  answer(replies: readonly RawReply[]): void;
  /** Resolves when every connection that was ended is gone on both sides, so that none of them is taken for a good one. */
  quiet(): Promise<void>;
  close(): Promise<void>;
}

export async function startRawServer(): Promise<RawServer> {
  const sockets = new Set<Socket>();
  let replies: readonly RawReply[] = [];
  let next = 0;
  const ending = new Set<Socket>();
  const whenQuiet: (() => void)[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    let request = "";
    socket.on("error", () => undefined).once("close", () => {
      sockets.delete(socket);
      ending.delete(socket);
      if (ending.size === 0) for (const tell of whenQuiet.splice(0)) tell();
    });
    socket.on("data", (data) => {
      request += data.toString("latin1");
      const end = request.indexOf("\r\n\r\n");
      const length = Number(/^content-length: *(\d+)/im.exec(request)?.[1] ?? 0);
      if (end < 0 || request.length < end + 4 + length) return;
      request = "";
      const reply = replies[Math.min(next, replies.length - 1)] ?? { bytes: "", stay: false };
      next += 1;
      const bytes = Buffer.from(reply.bytes, "latin1");
      if (reply.stay) socket.write(bytes);
      else {
        ending.add(socket);
        socket.end(bytes);
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    answer(given) {
      replies = given;
      next = 0;
    },
    quiet: () => (ending.size === 0 ? Promise.resolve() : new Promise((resolve) => whenQuiet.push(resolve))),
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
