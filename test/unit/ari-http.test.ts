// What is said of a connection to ARI that Asterisk resets: a new one may be beyond its limit of HTTP sessions.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { AriHttp } from "../../agent/adapters/ari-http.ts";
import { AgentError } from "../../agent/errors.ts";

/** Something like Asterisk that answers so many requests of each connection, and resets it at the next. */
async function failureAfter(answered: number): Promise<AgentError> {
  const server = createServer((socket) => {
    let requests = 0;
    socket.on("error", () => undefined).on("data", () => {
      requests += 1;
      if (requests > answered) socket.resetAndDestroy();
      else socket.write("HTTP/1.1 204 No Content\r\n\r\n");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const http = new AriHttp({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, username: "agent", password: "x" }, 1);
  const ask = () => http.ask({ method: "GET", path: "/ari/asterisk/ping" }, new AbortController().signal);
  try {
    for (let request = 0; request < answered; request += 1) assert.equal((await ask()).status, 204);
    return await ask().then(() => assert.fail("it was answered"), (error: unknown) => {
      assert.ok(error instanceof AgentError);
      return error;
    });
  } finally {
    http.close();
    server.close();
  }
}

describe("a connection to ARI that is reset", () => {
  it("is told with Asterisk's limit of sessions when it was a new one", async () => {
    const { code, message } = await failureAfter(0);
    assert.equal(code, "AGENT_ARI_FAILED");
    assert.equal(message, "ARI GET /ari/asterisk/ping failed (ECONNRESET; so Asterisk treats connections beyond sessionlimit in http.conf)");
  });

  it("is told without it when it had been in use: Asterisk may have died", async () => {
    assert.equal((await failureAfter(2)).message, "ARI GET /ari/asterisk/ping failed (ECONNRESET)");
  });
});
