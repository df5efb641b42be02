// ARI's password changes while it is in use: what AriHttp and AriModules do about it, against a small ARI.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { AriHttp, type AriAccess } from "../../agent/adapters/ari-http.ts";
import { AriModules } from "../../agent/adapters/ari-modules.ts";
import { AgentError } from "../../agent/errors.ts";
import { rejectsWith } from "../support/rejects-with.ts";

const soon = (): AbortSignal => AbortSignal.timeout(5_000);

class SmallAri {
  accepts = "old";
  /** Status of a reload that is allowed. */
  status = 204;
  readonly asked: string[] = [];
  readonly access: AriAccess;

  constructor(port: number) {
    this.access = { url: `http://127.0.0.1:${port}`, username: "agent", password: "old", otherPassword: null };
  }
}

async function smallAri(context: TestContext): Promise<SmallAri> {
  const server = createServer((request, response) => {
    const [, password = ""] = Buffer.from((request.headers.authorization ?? "").slice("Basic ".length), "base64").toString().split(":");
    ari.asked.push(`${request.method ?? ""} ${request.url ?? ""} ${password}`);
    response.writeHead(password === ari.accepts ? (request.method === "PUT" ? ari.status : 200) : 401).end();
  });
  await new Promise<void>((resolve) => { server.listen(0, "127.0.0.1", resolve); });
  const ari = new SmallAri((server.address() as AddressInfo).port);
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return ari;
}

const PING = { method: "GET", path: "/ari/asterisk/ping" };

describe("a question to ARI while its password is being changed", () => {
  it("is asked with the other password when the first is refused, and from then on that one comes first", async (context) => {
    const ari = await smallAri(context);
    const [one, two] = [new AriHttp(ari.access, 1), new AriHttp(ari.access, 1)];
    context.after(() => { one.close(); two.close(); });
    ari.access.otherPassword = "new";
    assert.equal((await one.ask(PING, soon())).status, 200);
    assert.equal(ari.asked.length, 1, "the old one is taken: nothing is asked twice");
    ari.accepts = "new";
    assert.equal((await one.ask(PING, soon())).status, 200);
    assert.deepEqual([ari.access.password, ari.access.otherPassword], ["new", "old"]);
    ari.asked.length = 0;
    assert.equal((await two.ask(PING, soon())).status, 200, "who shares the access profits");
    assert.equal(ari.asked.length, 1);
    ari.accepts = "old";
    assert.equal((await two.ask(PING, soon())).status, 200, "and back: an Asterisk that was started with an older file");
  });

  it("sees the refusal when both are refused, and when there is no other", async (context) => {
    const ari = await smallAri(context);
    const http = new AriHttp(ari.access, 1);
    context.after(() => { http.close(); });
    ari.accepts = "third";
    assert.equal((await http.ask(PING, soon())).status, 401);
    assert.equal(ari.asked.length, 1);
    ari.access.otherPassword = "new";
    assert.equal((await http.ask(PING, soon())).status, 401);
    assert.deepEqual([ari.access.password, ari.access.otherPassword], ["old", "new"]);
  });

  it("is refused to nobody when many ask at the moment of the change", async (context) => {
    const ari = await smallAri(context);
    const http = new AriHttp(ari.access, 4);
    context.after(() => { http.close(); });
    ari.access.otherPassword = "new";
    const statuses = await Promise.all(Array.from({ length: 40 }, async (_, index) => {
      if (index === 20) ari.accepts = "new";
      return (await http.ask(PING, soon())).status;
    }));
    assert.deepEqual(new Set(statuses), new Set([200]));
    assert.equal(ari.access.password, "new");
  });
});

describe("reloading a module", () => {
  const control = (output: string, commands: string[] = []): { readonly run: (command: string) => Promise<string>; readonly close: () => void; readonly commands: string[] } => ({ run: (command) => { commands.push(command); return Promise.resolve(output); }, close: () => undefined, commands });

  it("goes through ARI, and tells a module that is not loaded from one that can't be reloaded", async (context) => {
    const ari = await smallAri(context);
    const modules = new AriModules(ari.access, control(""));
    context.after(() => { modules.close(); });
    assert.equal(await modules.reload("res_odbc.so", soon()), true);
    assert.deepEqual(ari.asked, ["PUT /ari/asterisk/modules/res_odbc.so old"]);
    ari.status = 404;
    assert.equal(await modules.reload("res_x.so", soon()), false);
    ari.status = 409;
    await rejectsWith("AGENT_ARI_FAILED", modules.reload("res_odbc.so", soon()));
  });

  it("goes through the control socket when ARI knows none of our passwords", async (context) => {
    const ari = await smallAri(context);
    ari.accepts = "unknown to us";
    const good = control("Module 'res_ari.so' reloaded successfully.\n");
    assert.equal(await new AriModules(ari.access, good).accepted(soon()), false);
    assert.equal(await new AriModules(ari.access, good).reload("res_ari.so", soon()), true);
    assert.deepEqual(good.commands, ["module reload res_ari.so"]);
    assert.equal(await new AriModules(ari.access, control("No such module 'x'\n")).reload("x", soon()), false);
    await rejectsWith("AGENT_ARI_FAILED", new AriModules(ari.access, control("Nothing of the kind\n")).reload("x", soon()));
  });

  it("says that Asterisk does not run", async () => {
    const modules = new AriModules({ url: "http://127.0.0.1:1", username: "agent", password: "x" }, control(""));
    await assert.rejects(modules.reload("x", soon()), (error) => error instanceof AgentError && error.code === "AGENT_PROBE_REFUSED");
  });
});
