// The page's part about the Stasis app: asked for only while somebody looks, and none where none answers.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { CallsLook } from "../../agent/status/calls-look.ts";
import type { CallsView } from "../../agent/status/calls-view.ts";
import { calls } from "../../agent/status/page/calls.ts";

const VIEW: CallsView = {
  node: "node-a", role: "active", database: true, asterisk: true, sink: null, secret: null, here: 2,
  figures: { queued: 3, dialling: 1, up: 1, lastHour: { answered: 4, busy: 1 } }, waiting: { count: 0, oldestMs: 0 }, campaigns: [{ campaign: "appeal", running: 2, callsPerSecond: 5, concurrent: 50 }],
};

async function appSaying(t: TestContext, body: () => string): Promise<{ readonly url: string; readonly asked: () => number }> {
  let asked = 0;
  const server = createServer((_incoming, outgoing) => {
    asked += 1;
    outgoing.end(body());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => { server.closeAllConnections(); server.close(); });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/status`, asked: () => asked };
}

describe("the Stasis app's part of the page", () => {
  it("shows its figures, and what is wrong", () => {
    const { text } = calls({ ...VIEW, sink: "webhook answered with 503", waiting: { count: 7, oldestMs: 90_000 } });
    for (const said of ["3 queued, 1 being dialled, 1 up (2 on this node)", "answered 4, busy 1", "7 wait", "2 of 50 calls at once", "events are not taken: webhook answered with 503"]) assert.ok(text.includes(said), said);
    assert.match(calls({ ...VIEW, database: false, figures: null, waiting: null }).text, /the database does not answer[\s\S]*unknown/);
    assert.match(calls(null).text, /No Stasis app .* answers/);
  });

  it("comes from the app's last word, which grows old", async (t) => {
    let body = JSON.stringify(VIEW);
    let nowMs = 0;
    const { url, asked } = await appSaying(t, () => body);
    const look = new CallsLook(url, () => nowMs);
    assert.equal(asked(), 0, "nobody looks");
    assert.equal(look.latest(), null);
    await look.ask();
    assert.deepEqual(look.latest(), VIEW);
    body = JSON.stringify({ something: "else" });
    nowMs = 5_000;
    await look.ask();
    assert.deepEqual(look.latest(), VIEW, "what makes no sense is no word");
    nowMs = 10_000;
    assert.equal(look.latest(), null);
  });

  it("is none where nobody listens, and nobody waits for it", async () => {
    const look = new CallsLook("http://127.0.0.1:9/status", () => 0);
    assert.equal(look.latest(), null);
    await look.ask();
    assert.equal(look.latest(), null);
  });
});
