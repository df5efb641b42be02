// The page's live part over real sockets: what is sent, to how many, and what is let go.
import assert from "node:assert/strict";
import { createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { PARTS } from "../../agent/status/page/document.ts";
import { Feed, LISTENERS_MAX } from "../../agent/status/page/feed.ts";
import { servePage } from "../support/page-world.ts";
import { settledPair } from "../support/small-world.ts";
import { waitUntil } from "../support/wait-until.ts";

const WITHIN_MS = 20_000;

interface Listener {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly events: { readonly name: string; readonly data: { readonly assets?: string; readonly parts?: Readonly<Record<string, string>> } }[];
  readonly ended: () => boolean;
  readonly pause: () => void;
  readonly leave: () => void;
}

function listen(test: TestContext, port: number, headers: Readonly<Record<string, string>> = {}): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: "127.0.0.1", port, path: "/events", headers, agent: false }, (response) => {
      const events: Listener["events"] = [];
      let text = "";
      let ended = false;
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
        const blocks = text.split("\n\n");
        text = blocks.pop() ?? "";
        for (const block of blocks) events.push({ name: /^event: (\w+)/.exec(block)?.[1] ?? "", data: JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? "null") as Listener["events"][number]["data"] });
      });
      response.on("close", () => { ended = true; }).on("error", () => { ended = true; });
      resolve({ status: response.statusCode ?? 0, headers: response.headers, events, ended: () => ended, pause: () => response.pause(), leave: () => asking.destroy() });
    });
    asking.on("error", reject).end();
    test.after(() => asking.destroy());
  });
}

/** A feed of what the test says, on a server of its own. */
async function feedOf(test: TestContext, draw: () => Readonly<Record<string, string>>): Promise<{ readonly feed: Feed; readonly port: number; readonly defects: unknown[] }> {
  const defects: unknown[] = [];
  const feed = new Feed({ draw, assets: "v1", headers: { "x-kept": "yes" }, onDefect: (error) => defects.push(error) });
  const server = createServer((asked, answer) => { feed.open(asked, answer); });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  test.after(() => {
    feed.close();
    server.closeAllConnections();
    server.close();
  });
  return { feed, port: (server.address() as AddressInfo).port, defects };
}

describe("the page's feed", () => {
  it("sends a new listener the whole page, then what changes, at once when it matters", async (test) => {
    const world = settledPair();
    const served = await servePage(world, "node-b");
    test.after(() => served.close());
    const listener = await listen(test, served.port, { "sec-fetch-site": "same-origin" });
    assert.deepEqual([listener.status, listener.headers["content-type"], listener.headers["cache-control"], listener.headers["access-control-allow-origin"]], [200, "text/event-stream; charset=utf-8", "no-store", undefined]);
    const first = await waitUntil("the first event", () => listener.events[0], WITHIN_MS);
    assert.equal(first.name, "page");
    assert.deepEqual(Object.keys(first.data.parts ?? {}).toSorted(), [...PARTS].toSorted());
    world.machine("node-a").asterisk = false;
    world.run(3_000);
    const news = await waitUntil("the move", () => listener.events.slice(1).find(({ data }) => data.parts?.["now"]?.includes('data-role="active"')), WITHIN_MS);
    assert.match(news.data.parts?.["timeline"] ?? "", /The address moved/);
    assert.deepEqual(served.defects, []);
  });

  it("sends what has not changed to nobody twice, and shows that it lives", async (test) => {
    let value = 1;
    const { port, feed } = await feedOf(test, () => ({ still: "the same", moving: String(value) }));
    const listener = await listen(test, port);
    await waitUntil("a sign of life", () => listener.events.some(({ name }) => name === "beat"), WITHIN_MS);
    assert.deepEqual(listener.events.filter(({ name }) => name === "page").map(({ data }) => data.parts), [{ still: "the same", moving: "1" }]);
    value = 2;
    feed.nudge();
    await waitUntil("the change", () => listener.events.filter(({ name }) => name === "page").length === 2, WITHIN_MS);
    assert.deepEqual(listener.events.findLast(({ name }) => name === "page")?.data, { assets: "v1", parts: { moving: "2" } });
  });

  it("gives a second listener the whole, and the first only the difference", async (test) => {
    let value = 1;
    const { port } = await feedOf(test, () => ({ still: "the same", moving: String(value) }));
    const first = await listen(test, port);
    await waitUntil("the first event", () => first.events.length > 0, WITHIN_MS);
    value = 2;
    const second = await listen(test, port);
    await waitUntil("both", () => first.events.length > 1 && second.events.length > 0, WITHIN_MS);
    assert.deepEqual(second.events[0]?.data.parts, { still: "the same", moving: "2" });
    assert.deepEqual(first.events[1]?.data.parts, { moving: "2" });
  });

  it("keeps a bounded number of pages up to date, and takes another when one has gone", async (test) => {
    const { port, feed } = await feedOf(test, () => ({ a: "1" }));
    const listeners = await Promise.all(Array.from({ length: LISTENERS_MAX }, () => listen(test, port)));
    assert.equal(feed.listeners, LISTENERS_MAX);
    const refused = await listen(test, port);
    assert.deepEqual([refused.status, refused.headers["retry-after"], feed.listeners], [503, "5", LISTENERS_MAX]);
    for (const listener of listeners) listener.leave();
    await waitUntil("the places to be free", () => feed.listeners === 0, WITHIN_MS);
    assert.equal((await listen(test, port)).status, 200);
  });

  it("draws nothing while nobody looks", async (test) => {
    let drawn = 0;
    const { port, feed } = await feedOf(test, () => ({ count: String((drawn += 1)) }));
    feed.nudge();
    assert.equal(drawn, 0);
    const listener = await listen(test, port);
    await waitUntil("several drawings", () => drawn >= 3, WITHIN_MS);
    listener.leave();
    await waitUntil("the listener to be forgotten", () => feed.listeners === 0, WITHIN_MS);
    const before = drawn;
    for (let times = 0; times < 100; times += 1) feed.nudge();
    const other = await feedOf(test, () => ({ a: "1" }));
    const beside = await listen(test, other.port);
    await waitUntil("two seconds of somebody else's feed", () => beside.events.some(({ name }) => name === "beat"), WITHIN_MS);
    assert.equal(drawn, before);
  });

  it("drops a listener that does not read, and not the others", async (test) => {
    let drawn = 0;
    const { port, feed } = await feedOf(test, () => ({ big: `${(drawn += 1)}${"x".repeat(2_000_000)}` }));
    const slow = await listen(test, port);
    slow.pause();
    const quick = await listen(test, port);
    await waitUntil("the slow one to be dropped", () => feed.listeners === 1, WITHIN_MS);
    assert.equal(quick.ended(), false);
    const seen = quick.events.length;
    await waitUntil("the quick one to go on", () => quick.events.length > seen, WITHIN_MS);
  });

  it("refuses the page of another site, which could only take somebody's place", async (test) => {
    const { port, feed } = await feedOf(test, () => ({ a: "1" }));
    for (const site of ["cross-site", "same-site"]) assert.equal((await listen(test, port, { "sec-fetch-site": site })).status, 403);
    assert.equal(feed.listeners, 0);
  });

  it("tells a defect, lets the listeners go, and serves the next who asks", async (test) => {
    let broken = false;
    const { port, feed, defects } = await feedOf(test, () => {
      if (broken) throw new Error("a defect");
      return { a: "1" };
    });
    const listener = await listen(test, port);
    broken = true;
    await waitUntil("the listener to be let go", () => listener.ended(), WITHIN_MS);
    assert.deepEqual([defects.length, feed.listeners], [1, 0]);
    assert.equal((await listen(test, port)).status, 500);
    broken = false;
    assert.equal((await listen(test, port)).status, 200);
  });

  it("ends with its server, and takes nobody afterwards", async (test) => {
    const { port, feed } = await feedOf(test, () => ({ a: "1" }));
    const listener = await listen(test, port);
    feed.close();
    await waitUntil("the end", () => listener.ended(), WITHIN_MS);
    assert.equal((await listen(test, port)).status, 503);
  });
});

describe("the status server with a page", () => {
  it("serves document, style, script and icon, each with its type, under a policy that allows nothing inline", async (test) => {
    const served = await servePage(settledPair(), "node-b");
    test.after(() => served.close());
    const types: (string | null)[] = [];
    for (const path of ["", "page/page.css", "page/page.js", "page/icon.svg", "text"]) {
      const reply = await fetch(served.url + path);
      assert.equal(reply.status, 200, path);
      types.push(reply.headers.get("content-type"));
      assert.match(reply.headers.get("content-security-policy") ?? "", /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; frame-ancestors 'none'/);
      assert.doesNotMatch(reply.headers.get("content-security-policy") ?? "", /unsafe|\*|https?:|data:/);
    }
    assert.deepEqual(types, ["text/html; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8", "image/svg+xml", "text/plain; charset=utf-8"]);
  });

  it("lets nobody in by another name or with another method, to the stream neither", async (test) => {
    const served = await servePage(settledPair(), "node-b");
    test.after(() => served.close());
    assert.equal((await listen(test, served.port, { host: "attacker.example" })).status, 421);
    assert.equal((await fetch(`${served.url}events`, { method: "POST" })).status, 405);
    assert.equal(served.page.listeners(), 0);
  });
});
