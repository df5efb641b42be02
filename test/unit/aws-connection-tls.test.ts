/** The way to AWS over TLS, as it is in production: the last check comes after the handshake. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:https";
import type { AddressInfo, LookupFunction } from "node:net";
import { performance } from "node:perf_hooks";
import { after, before, beforeEach, describe, it } from "node:test";
import { createSecureContext } from "node:tls";
import { AwsConnection, AwsTransportError } from "../../agent/adapters/aws-connection.ts";
import { rejectsWith } from "../support/rejects-with.ts";
import { selfSigned } from "../support/self-signed.ts";

const NAME = "ec2.test";

describe("AwsConnection over TLS", () => {
  const identity = selfSigned(NAME);
  let server: Server;
  let port = 0;
  let got: number[] = [];
  let onHandshake = (): void => undefined;
  const lookup: LookupFunction = (_hostname, options, callback) => (options.all === true ? callback(null, [{ address: "127.0.0.1", family: 4 }]) : callback(null, "127.0.0.1", 4));
  const trusting = process.env["NODE_TLS_REJECT_UNAUTHORIZED"];

  const request = (): Parameters<AwsConnection["handle"]>[0] => ({ method: "POST", protocol: "https:", hostname: NAME, port, path: "/", headers: { "content-length": "4" }, body: "work" });
  const withConnection = async (monotonicMs: () => number, run: (connection: AwsConnection) => Promise<void>): Promise<void> => {
    const connection = new AwsConnection({ connectTimeoutMs: 20_000, requestTimeoutMs: 20_000, localAddress: null, monotonicMs, lookup });
    try {
      await run(connection);
    } finally {
      connection.close();
    }
  };

  before(async () => {
    server = createServer(
      {
        ...identity,
        SNICallback: (_name, done) => {
          onHandshake();
          done(null, createSecureContext(identity));
        },
      },
      (incoming, response) => {
        got.push(incoming.socket.remotePort ?? 0);
        response.end("fine");
      },
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ({ port } = server.address() as AddressInfo);
  });
  after(() => {
    server.close();
    server.closeAllConnections();
    if (trusting === undefined) delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    else process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = trusting;
  });
  beforeEach(() => {
    got = [];
    onHandshake = () => undefined;
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0"; // The certificate is our own; one test below looks at what happens without this.
  });

  it("sends, and keeps the connection for the next call", () =>
    withConnection(() => performance.now(), async (connection) => {
      const { response } = await connection.handle(request());
      assert.equal(Buffer.from(response.body).toString(), "fine");
      await connection.handle(request());
      assert.equal(new Set(got).size, 1);
      connection.reset();
      await connection.handle(request());
      assert.equal(new Set(got).size, 2);
    }));

  it("does not send what became stale during the handshake", async () => {
    let nowMs = 1000;
    onHandshake = () => (nowMs = 60_000);
    await withConnection(() => nowMs, async (connection) => {
      await rejectsWith("AGENT_CLAIM_STALE", connection.handle(request(), { notAfterMs: 2000 }));
    });
    assert.deepEqual(got, []);
  });

  it("sends nothing to a server whose certificate is not trusted", async () => {
    delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
    await withConnection(() => performance.now(), async (connection) => {
      await assert.rejects(connection.handle(request()), (error) => error instanceof AwsTransportError && !error.sent);
    });
    assert.deepEqual(got, []);
  });
});
