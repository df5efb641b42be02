// nodectl, run in this process against a real status server, and once as the real command.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { runCli } from "../../agent/cli/run.ts";
import { makePrometheus } from "../../agent/status/prometheus.ts";
import { statusSchema } from "../../agent/status/schema.ts";
import { StatusServer } from "../../agent/status/server.ts";
import { settledPair } from "../support/small-world.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function nodectl(args: readonly string[], env: Readonly<Record<string, string>> = {}, colour = false): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(args, { out: (line) => out.push(line), err: (line) => err.push(line), colour, width: 80, env });
  return { code, out: out.join("\n"), err: err.join("\n") };
}

async function agent(test: TestContext): Promise<string> {
  const world = settledPair();
  const config = world.config("node-b");
  const server = new StatusServer({ listen: { host: "127.0.0.1", port: 0 }, config, clock: { monotonicMs: () => world.nowMs }, state: () => world.state("node-b"), extra: () => ({ worstCase: [{ what: "instance dead", ms: 2000, how: "" }], refusals: {} }), prometheus: makePrometheus(config), onDefect: (error) => { throw error; } });
  const { port } = await server.start();
  test.after(() => server.close());
  return `127.0.0.1:${port}`;
}

/** Something that is not the agent. */
async function stranger(test: TestContext, status: number, body: string): Promise<string> {
  const server = createServer((_request, response) => { response.writeHead(status).end(body); });
  await new Promise<void>((resolve) => { server.listen(0, "127.0.0.1", resolve); });
  test.after(() => { server.close(); });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A port that was free a moment ago. */
async function closedPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => { server.listen(0, "127.0.0.1", resolve); });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

describe("nodectl status", () => {
  it("prints the status of the agent that STATUS_LISTEN names, and exits with 0", async (test) => {
    const { code, out, err } = await nodectl(["status"], { STATUS_LISTEN: await agent(test) });
    assert.deepEqual([code, err], [0, ""]);
    assert.match(out, /^test, 203\.0\.113\.10, as node-b \(\*\) sees it/);
    assert.match(out, /^worst case 2\.0 s until the claim is sent \(instance dead\)$/m);
    assert.ok(out.split("\n").length <= 20);
  });

  it("adds what this node measures when asked for detail", async (test) => {
    const { out } = await nodectl(["status", "--detail"], { STATUS_LISTEN: await agent(test) });
    assert.match(out, /^node-b of test: STANDBY for 20 s/m);
  });

  it("prints all of it as JSON when asked", async (test) => {
    const { code, out } = await nodectl(["status", "--json", "--url", `http://${await agent(test)}`]);
    assert.equal(code, 0);
    assert.equal(statusSchema.parse(JSON.parse(out)).node, "node-b");
  });

  it("exits with 1 and says how to start the agent when nobody answers", async () => {
    const url = await closedPort();
    const { code, out, err } = await nodectl(["status", "--url", url]);
    assert.deepEqual([code, out], [1, ""]);
    assert.ok(err.startsWith(`No agent answers at ${url} (connection refused). Is it running? Start it with \`pm2 start ecosystem.config.js\``), err);
    assert.match(err, /--url or set STATUS_LISTEN/);
  });

  it("exits with 1 when something else answers", async (test) => {
    const html = await nodectl(["status", "--url", await stranger(test, 200, "<html>")]);
    assert.deepEqual([html.code, /can't read.*Is it the agent/.test(html.err)], [1, true]);
    const old = await nodectl(["status", "--url", await stranger(test, 200, '{"node":7}')]);
    assert.match(old.err, /field node/);
    const refusing = await nodectl(["status", "--url", await stranger(test, 503, "busy\n")]);
    assert.match(refusing.err, /answered 503: busy/);
  });

  it("exits with 2 for a URL that is none", async () => {
    const { code, err } = await nodectl(["status", "--url", "ftp://127.0.0.1"]);
    assert.equal(code, 2);
    assert.match(err, /is not an http:\/\/ URL/);
  });

  it("takes its defaults from the agent's own settings file, and does without one that can't be read", async (test) => {
    const folder = await temporaryFolder();
    test.after(() => folder.remove());
    const { path } = folder;
    const file = join(path, "agent.env");
    await writeFile(file, `STATUS_LISTEN=${await agent(test)}\n`);
    assert.equal((await nodectl(["status"], { AGENT_ENV_FILE: file })).code, 0);
    assert.match((await nodectl(["status", "--help"], { AGENT_ENV_FILE: join(path, "missing.env") })).out, /127\.0\.0\.1:8091/);
  });

  it("exits with 2 for an unknown verb or option, and with 0 for help", async () => {
    const verb = await nodectl(["statsu"]);
    assert.deepEqual([verb.code, /unknown command 'statsu'/.test(verb.err)], [2, true]);
    const option = await nodectl(["status", "--jsno"]);
    assert.deepEqual([option.code, /unknown option '--jsno'/.test(option.err)], [2, true]);
    assert.equal((await nodectl([])).code, 2);
    const help = await nodectl(["--help"]);
    assert.deepEqual([help.code, /status .*show the whole/.test(help.out), /Exit codes/.test(help.out)], [0, true, true]);
  });

  it("works as a command, without colours when it writes into a pipe", async (test) => {
    const listen = await agent(test);
    const ran = await new Promise<Ran>((resolve) => {
      execFile(process.execPath, ["--import", "tsx", "agent/cli.ts", "status"], { env: { ...process.env, STATUS_LISTEN: listen } }, (error, out, err) => { resolve({ code: error === null ? 0 : Number(error.code), out, err }); });
    });
    assert.deepEqual([ran.code, ran.err], [0, ""]);
    assert.match(ran.out, /^test, 203/);
    assert.ok(!ran.out.includes("\u001b"));
  });
});
