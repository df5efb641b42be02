// The status server on a real loopback socket, and /metrics, with states from a small world.
import assert from "node:assert/strict";
import { request } from "node:http";
import { connect } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { METRIC_NAMES, METRICS } from "../../agent/core/metrics.ts";
import { makePrometheus, prometheusNames } from "../../agent/status/prometheus.ts";
import { statusSchema } from "../../agent/status/schema.ts";
import { StatusServer, type StatusServerOptions } from "../../agent/status/server.ts";
import { settledPair, type SmallWorld } from "../support/small-world.ts";
import { waitUntil } from "../support/wait-until.ts";

interface Served {
  readonly port: number;
  readonly server: StatusServer;
  readonly world: SmallWorld;
  readonly defects: unknown[];
  readonly get: (path: string, options?: { readonly method?: string; readonly headers?: Record<string, string> }) => Promise<Got>;
}

interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

async function serve(test: TestContext, overrides: Partial<StatusServerOptions> = {}): Promise<Served> {
  const world = settledPair();
  const defects: unknown[] = [];
  const config = world.config("node-b");
  const server = new StatusServer({ listen: { host: "127.0.0.1", port: 0 }, config, clock: { monotonicMs: () => world.nowMs }, state: () => world.state("node-b"), extra: () => ({ worstCase: [], refusals: {} }), prometheus: makePrometheus(config), onDefect: (error) => { defects.push(error); }, ...overrides });
  const { port } = await server.start();
  test.after(() => server.close());
  return { port, server, world, defects, get: (path, options) => ask(port, path, options) };
}

function ask(port: number, path: string, options: { readonly method?: string; readonly headers?: Record<string, string> } = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: "127.0.0.1", port, path, method: options.method ?? "GET", headers: options.headers ?? {}, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (part: string) => { body += part; }).on("end", () => { resolve({ status: response.statusCode ?? 0, headers: response.headers, body }); });
    });
    asking.on("error", reject).end();
  });
}

describe("the status server", () => {
  it("serves the status, the text, the health and the metrics", async (test) => {
    const { get } = await serve(test);
    assert.equal(statusSchema.parse(JSON.parse((await get("/status")).body)).role, "standby");
    assert.match((await get("/")).body, /^node-b of test: STANDBY for 20 s/);
    const health = await get("/health");
    assert.deepEqual([health.status, JSON.parse(health.body)], [200, { ok: true, node: "node-b", role: "standby", reason: "Standby and ready to take over." }]);
    const metrics = await get("/metrics");
    assert.match(String(metrics.headers["content-type"]), /^text\/plain; version=0\.0\.4/);
    assert.match(metrics.body, /^asterisk_node_agent_eip_held\{cluster="test",node="node-b"\} 0$/m);
  });

  it("answers /health with 503 and the reason when the node does not do its job", async (test) => {
    const { get, world } = await serve(test);
    world.machine("node-b").asterisk = false;
    world.run(3000);
    const { status, body } = await get("/health");
    assert.equal(status, 503);
    assert.match(body, /Standby, but its Asterisk is down/);
  });

  it("sends headers that keep browsers from doing anything with it, and allows no other origin", async (test) => {
    const { get } = await serve(test);
    const { headers } = await get("/status", { headers: { origin: "http://elsewhere.example" } });
    assert.deepEqual([headers["cache-control"], headers["x-content-type-options"], headers["x-frame-options"], headers["access-control-allow-origin"]], ["no-store", "nosniff", "DENY", undefined]);
    assert.match(String(headers["content-security-policy"]), /default-src 'none'/);
  });

  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "HEAD"]) {
    it(`refuses ${method}`, async (test) => {
      const { get } = await serve(test);
      const { status, headers } = await get("/status", { method });
      assert.deepEqual([status, headers["allow"]], [405, "GET"]);
    });
  }

  for (const host of ["attacker.example", "attacker.example:8091", "127.0.0.1.attacker.example", "localhost.attacker.example", "10.0.1.10:8091", "[::2]:8091", "localhost:8091:1", "@localhost"]) {
    it(`refuses a request for the host "${host}", to which a name was rebound`, async (test) => {
      const { get } = await serve(test);
      const { status, body } = await get("/status", { headers: { host } });
      assert.equal(status, 421);
      assert.doesNotMatch(body, /node-b/);
    });
  }

  it("refuses a request that names no host", async (test) => {
    const { port } = await serve(test);
    const socket = connect(port, "127.0.0.1");
    test.after(() => socket.destroy());
    let answer = "";
    socket.setEncoding("utf8").on("data", (part: string) => { answer += part; }).write("GET /status HTTP/1.0\r\n\r\n");
    assert.match(await waitUntil("an answer", () => answer !== "" && answer, 10_000), /^HTTP\/1\.1 421 /);
  });

  for (const host of ["127.0.0.1", "127.0.0.1:9000", "localhost:8091", "LOCALHOST", "[::1]:8091"]) {
    it(`answers for the host ${host}, as through a tunnel`, async (test) => {
      const { get } = await serve(test);
      assert.equal((await get("/status", { headers: { host } })).status, 200);
    });
  }

  it("names its pages to who asks for another", async (test) => {
    const { get } = await serve(test);
    const { status, body } = await get("/etc/passwd");
    assert.equal(status, 404);
    assert.match(body, /\/health \/status \/metrics/);
  });

  it("ignores a query", async (test) => {
    const { get } = await serve(test);
    assert.equal((await get("/health?verbose=1")).status, 200);
  });

  it("makes a page at most ten times a second", async (test) => {
    let made = 0;
    const { get, world } = await serve(test, { routes: { "/extra": () => ({ status: 200, type: "text/plain", body: String((made += 1)) }) } });
    const bodies = await Promise.all([get("/extra"), get("/extra"), get("/extra")]);
    assert.deepEqual(bodies.map((each) => each.body), ["1", "1", "1"]);
    world.run(100);
    assert.equal((await get("/extra")).body, "2");
  });

  it("answers 500, tells of the defect, and goes on, when a page can't be made", async (test) => {
    const { get, defects } = await serve(test, { routes: { "/broken": () => { throw new Error("a secret detail"); } } });
    const { status, body } = await get("/broken");
    assert.equal(status, 500);
    assert.doesNotMatch(body, /secret detail/);
    assert.equal(defects.length, 1);
    assert.equal((await get("/health")).status, 200);
  });

  for (const host of ["0.0.0.0", "10.0.0.1", "::", "example.org", "localhost"]) {
    it(`refuses to listen on ${host}, which is not a loopback address`, async () => {
      const world = settledPair();
      const config = world.config("node-b");
      const server = new StatusServer({ listen: { host, port: 0 }, config, clock: { monotonicMs: () => 0 }, state: () => world.state("node-b"), extra: () => ({ worstCase: [], refusals: {} }), prometheus: makePrometheus(config), onDefect: () => undefined });
      await assert.rejects(server.start(), { name: "AgentError", code: "AGENT_CONFIG_INVALID" });
      await server.close();
    });
  }

  it("says so when the port is taken", async (test) => {
    const { port, world } = await serve(test);
    const config = world.config("node-b");
    const second = new StatusServer({ listen: { host: "127.0.0.1", port }, config, clock: { monotonicMs: () => 0 }, state: () => world.state("node-b"), extra: () => ({ worstCase: [], refusals: {} }), prometheus: makePrometheus(config), onDefect: () => undefined });
    await assert.rejects(second.start(), { code: "AGENT_LISTEN_FAILED", message: /EADDRINUSE/ });
    await second.close();
  });

  it("closes although somebody is connected and silent, and can be closed again", async (test) => {
    const { port, server } = await serve(test);
    const socket = connect(port, "127.0.0.1");
    let closed = false;
    socket.on("close", () => { closed = true; }).on("error", () => undefined);
    await new Promise((resolve) => socket.once("connect", resolve));
    await server.close();
    await waitUntil("the silent connection to be dropped", () => closed, 10_000);
    await server.close();
  });
});

describe("/metrics", () => {
  it("has every metric of the list under a stable name, with its meaning as help", async () => {
    const world = settledPair();
    const text = await makePrometheus(world.config("node-b")).text(world.state("node-b"));
    for (const metric of METRIC_NAMES) for (const name of prometheusNames(metric)) assert.ok(text.includes(`# HELP ${name} ${METRICS[metric].meaning}`) && new RegExp(`^${name}\\{cluster="test",node="node-b"\\} `, "m").test(text), `${metric}: ${name}`);
  });

  it("names metrics in Prometheus' manner", () => {
    assert.deepEqual([prometheusNames("AriLatency"), prometheusNames("EipHeld"), prometheusNames("ClaimsFailed")], [["asterisk_node_agent_ari_latency_sum", "asterisk_node_agent_ari_latency_count"], ["asterisk_node_agent_eip_held"], ["asterisk_node_agent_claims_failed_total"]]);
  });

  it("leaves out on a witness what a witness does not have", async () => {
    const world = settledPair();
    const config = { ...world.config("node-b"), kind: "witness" as const };
    const text = await makePrometheus(config).text(world.state("node-b"));
    assert.doesNotMatch(text, /^asterisk_node_agent_serving\{/m);
    assert.match(text, /^asterisk_node_agent_peer_up\{/m);
  });

  it("keeps counting over the minutes in which the core starts anew", async () => {
    const world = settledPair();
    const prometheus = makePrometheus(world.config("node-b"));
    world.observe("node-b", (_before, _event, result) => { prometheus.observe(result); });
    const pings = async (): Promise<number> => Number(/^asterisk_node_agent_ari_latency_count\{.*\} (\d+)$/m.exec(await prometheus.text(world.state("node-b")))?.[1]);
    const first = await pings();
    world.run(200_000);
    const last = await pings();
    assert.ok(Math.abs(last - first - 200) <= 2, `${first} pings, then ${last}`);
  });
});
