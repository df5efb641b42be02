/** The way to AWS: what leaves, what does not, and what is known afterwards. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type LookupFunction, type Server as TcpServer, type Socket } from "node:net";
import { performance } from "node:perf_hooks";
import { afterEach, describe, it } from "node:test";
import { AwsConnection, AwsTransportError, type AwsConnectionOptions } from "../../agent/adapters/aws-connection.ts";
import { rejectsWith } from "../support/rejects-with.ts";
import { waitUntil } from "../support/wait-until.ts";

const toLoopback: LookupFunction = (_hostname, options, callback) => (options.all === true ? callback(null, [{ address: "127.0.0.1", family: 4 }]) : callback(null, "127.0.0.1", 4));

describe("AwsConnection", () => {
  const closers: (() => void)[] = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });

  /** A server that notes what it gets and from which port. */
  async function aServer(answer = "fine"): Promise<{ port: number; got: { body: string; from: number; remote: string }[]; server: Server }> {
    const got: { body: string; from: number; remote: string }[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        got.push({ body, from: request.socket.remotePort ?? 0, remote: request.socket.remoteAddress ?? "" });
        response.end(answer);
      });
    });
    server.keepAliveTimeout = 600_000;
    return { port: await listen(server), got, server };
  }

  /** A server that speaks no HTTP. */
  async function aSilentServer(onData: (socket: Socket) => void): Promise<number> {
    const sockets = new Set<Socket>();
    const server = createTcpServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("data", () => onData(socket));
    });
    closers.push(() => {
      for (const socket of sockets) socket.destroy();
    });
    return listen(server);
  }

  async function listen(server: Server | TcpServer): Promise<number> {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(() => {
      server.close();
      if ("closeAllConnections" in server) server.closeAllConnections();
    });
    return (server.address() as AddressInfo).port;
  }

  function aConnection(options: Partial<AwsConnectionOptions> = {}): AwsConnection {
    const connection = new AwsConnection({ connectTimeoutMs: 20_000, requestTimeoutMs: 20_000, localAddress: null, monotonicMs: () => performance.now(), ...options });
    closers.push(() => connection.close());
    return connection;
  }

  const post = (port: number, hostname = "127.0.0.1"): Parameters<AwsConnection["handle"]>[0] => ({ method: "POST", protocol: "http:", hostname, port, path: "/", headers: { "content-length": "4" }, body: "work" });

  async function failureOf(promise: Promise<unknown>): Promise<AwsTransportError> {
    const error = await promise.then(
      () => assert.fail("it resolved"),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof AwsTransportError, String(error));
    return error;
  }

  it("sends the request and gives the whole reply", async () => {
    const { port, got } = await aServer("answer");
    const { response } = await aConnection().handle(post(port));
    assert.equal(response.statusCode, 200);
    assert.equal(Buffer.from(response.body).toString(), "answer");
    assert.deepEqual(got.map((one) => one.body), ["work"]);
  });

  it("keeps a connection for the next call, and opens a new one after a reset", async () => {
    const { port, got, server } = await aServer();
    const connection = aConnection({ idleMs: 600_000 });
    await connection.handle(post(port));
    await connection.handle(post(port));
    connection.reset();
    await waitUntil("the old connection to be closed", () => new Promise<boolean>((resolve) => server.getConnections((_error, count) => resolve(count === 0))), 20_000);
    await connection.handle(post(port));
    await connection.handle(post(port));
    assert.equal(got[1]?.from, got[0]?.from, "the second call did not reuse the connection");
    assert.notEqual(got[2]?.from, got[0]?.from, "the connection survived the reset");
    assert.equal(got[3]?.from, got[2]?.from, "connections are no longer kept after a reset");
  });

  it("lets a call under way end with its reply when the connections are reset", async () => {
    let release: (() => void) | null = null;
    const server = createServer((_request, response) => (release = () => response.end("late")));
    const port = await listen(server);
    const connection = aConnection();
    const call = connection.handle(post(port));
    const answer = await waitUntil("the request", () => release, 20_000);
    connection.reset();
    answer();
    assert.equal(Buffer.from((await call).response.body).toString(), "late");
  });

  it("does not send what became stale while it was connecting", async () => {
    const { port, got } = await aServer();
    let nowMs = 1000;
    // The process is stopped between the decision and the connection: the clock jumps.
    const lookup: LookupFunction = (hostname, options, callback) => {
      nowMs += 60_000;
      toLoopback(hostname, options, callback);
    };
    await rejectsWith("AGENT_CLAIM_STALE", aConnection({ lookup, monotonicMs: () => nowMs }).handle(post(port, "ec2.test"), { notAfterMs: 2000 }));
    assert.deepEqual(got, []);
  });

  it("sends what is just in time", async () => {
    const { port, got } = await aServer();
    await aConnection({ monotonicMs: () => 2000 }).handle(post(port), { notAfterMs: 2000 });
    assert.equal(got.length, 1);
  });

  it("knows that nothing was sent when the connection was refused", async () => {
    const { port, server } = await aServer();
    await new Promise((resolve) => server.close(resolve));
    const error = await failureOf(aConnection().handle(post(port)));
    assert.deepEqual([error.sent, error.timedOut], [false, false]);
  });

  it("knows that nothing was sent when the name does not resolve, or not in time", async () => {
    const unknown: LookupFunction = (_hostname, _options, callback) => callback(Object.assign(new Error("no such name"), { code: "ENOTFOUND" }), "", 0);
    assert.equal((await failureOf(aConnection({ lookup: unknown }).handle(post(1, "ec2.test")))).sent, false);
    const error = await failureOf(aConnection({ lookup: () => undefined, connectTimeoutMs: 20 }).handle(post(1, "ec2.test")));
    assert.deepEqual([error.sent, error.timedOut], [false, true]);
  });

  it("knows that the request had left when the connection breaks, the reply is cut off, or none comes", async () => {
    const breaking = await aSilentServer((socket) => socket.destroy());
    assert.equal((await failureOf(aConnection().handle(post(breaking)))).sent, true);
    const cutting = await aSilentServer((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"));
    assert.equal((await failureOf(aConnection().handle(post(cutting)))).sent, true);
    const silent = await aSilentServer(() => undefined);
    const error = await failureOf(aConnection({ requestTimeoutMs: 50 }).handle(post(silent)));
    assert.deepEqual([error.sent, error.timedOut], [true, true]);
  });

  it("gives up at once when the signal fires, and does not even connect when it has fired before", async () => {
    const controller = new AbortController();
    const silent = await aSilentServer(() => controller.abort());
    assert.equal((await failureOf(aConnection().handle(post(silent), { abortSignal: controller.signal }))).sent, true);
    const { port, server } = await aServer();
    let connections = 0;
    server.on("connection", () => (connections += 1));
    assert.equal((await failureOf(aConnection().handle(post(port), { abortSignal: AbortSignal.abort() }))).sent, false);
    assert.equal(connections, 0);
  });

  it("binds to the address that it is told to", async () => {
    const { port, got } = await aServer();
    await aConnection({ localAddress: "127.0.0.3" }).handle(post(port));
    assert.match(got[0]?.remote ?? "", /127\.0\.0\.3$/);
  });

  it("says that nothing was sent when it can't bind to it", async () => {
    const { port, got } = await aServer();
    assert.equal((await failureOf(aConnection({ localAddress: "192.0.2.1" }).handle(post(port)))).sent, false);
    assert.deepEqual(got, []);
  });
});
