// nodectl switchover and takeover at a terminal: what they show, what they ask, and that a "no" sends no order. The agent here is a
// real operator's socket with a scripted desk behind it; the orders themselves run in the scenarios and end to end.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { runCli } from "../../agent/cli/run.ts";
import type { OperatorCommand } from "../../agent/core/operator-command.ts";
import type { Report, Survey } from "../../agent/operator-desk.ts";
import { OperatorSocket, type OperatorQuery } from "../../agent/operator-socket.ts";

const OVERRIDE = { gate: "not paused", says: "Automatic claims are paused by an operator: works.", danger: "Somebody may be working." };

function surveyWith(holder: string): Survey {
  const row = (node: string): Survey["rows"][number] => ({ node, role: node === holder ? "active" : "standby", holds: node === holder, asterisk: "serving", calls: node === holder ? 3 : 0, draining: false, note: "" });
  return { node: "node-b", kind: "node", cluster: "sim", publicIp: "203.0.113.10", holder, paused: null, underWay: null, rows: [row("node-a"), row("node-b")] };
}

interface Told {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly asked: readonly string[];
  readonly orders: readonly OperatorCommand[];
}

/** Runs it against an agent that carries every order out at once, or fails it. `says` answers the question; undefined: nobody is there. */
async function nodectl(args: readonly string[], says?: boolean, outcome: "done" | "failed" = "done"): Promise<Told> {
  const folder = mkdtempSync(join(tmpdir(), "orders-"));
  const path = join(folder, "agent.sock");
  const orders: OperatorCommand[] = [];
  const moved = (): boolean => outcome === "done" && orders.some((order) => order.kind === "takeover" || (order.kind === "switchover" && !order.request.dryRun));
  const report = (id: string): Report => {
    const order = orders.find((each) => (each.kind === "switchover" || each.kind === "takeover") && each.request.id === id);
    if (order === undefined) return null;
    const checked = order.kind === "switchover" && order.request.dryRun;
    return { by: "node-a", to: "node-b", phase: checked ? "checked" : outcome, says: checked ? "node-b could take the address from node-a now." : outcome === "done" ? "Two reads of EC2 show the address on node-b." : "Nothing has moved.", ended: true, ok: checked || outcome === "done" };
  };
  const tell = (query: OperatorQuery): unknown => {
    if (query.kind === "survey") return surveyWith(moved() ? "node-b" : "node-a");
    if (query.kind === "progress") return report(query.id);
    return { refusal: null, overrides: [OVERRIDE] };
  };
  const agent = new OperatorSocket(path, (command) => { orders.push(command); }, tell);
  await agent.start();
  const [out, err, asked]: [string[], string[], string[]] = [[], [], []];
  const confirm = (question: string): Promise<boolean> => {
    asked.push(question);
    return Promise.resolve(says === true);
  };
  try {
    const code = await runCli([...args, "--socket", path], { out: (line) => { out.push(line); }, err: (line) => { err.push(line); }, colour: false, width: 80, env: {}, ...(says === undefined ? {} : { confirm }) });
    return { code, out: out.join("\n"), err: err.join("\n"), asked, orders };
  } finally {
    await agent.close();
    rmSync(folder, { recursive: true });
  }
}

describe("nodectl switchover", () => {
  it("asks before the address moves, after it has checked that it could, and moves nothing at a no", async () => {
    const { code, out, err, asked, orders } = await nodectl(["switchover", "--drain", "5m"], false);
    assert.deepEqual([code, err], [1, "Nothing was changed."]);
    assert.deepEqual(asked, ["Hand the address over, with new calls refused for at most 5m?"]);
    assert.deepEqual(orders.map((order) => order.kind === "switchover" && order.request.dryRun), [true], "only the check was asked of the agent");
    assert.match(out, /^before: 203\.0\.113\.10 of sim is on node-a\n/);
  });

  it("goes on at a yes, and shows the cluster before and after", async () => {
    const { code, out, orders } = await nodectl(["switchover", "--to", "node-b", "--reason", "new kernel"], true);
    assert.equal(code, 0);
    assert.match(out, /^before: .* on node-a\n {2}node-a {2}active {3}holds the address {2}Asterisk serving, 3 call\(s\)\n[^]*\nafter: .* on node-b\n[^]*\nTwo reads of EC2 show the address on node-b\.$/);
    const order = orders.at(-1);
    assert.ok(order?.kind === "switchover");
    assert.deepEqual([order.request.to, order.request.drainMs, order.request.reason, order.request.dryRun], ["node-b", 600_000, "new kernel", false]);
  });

  it("does not take silence for a yes: without a terminal, or with --json, it needs --yes", async () => {
    for (const args of [["switchover"], ["switchover", "--json"]]) {
      const { code, err, orders } = await nodectl(args, args.includes("--json") ? true : undefined);
      assert.deepEqual([code, orders.length], [2, 1]);
      assert.match(err, /give --yes/);
    }
  });

  it("answers --json with the outcome and the cluster before and after, and fails with 1 and the agent's sentence", async () => {
    const { code, out, err } = await nodectl(["switchover", "--yes", "--json"], undefined, "failed");
    assert.deepEqual([code, err], [1, "Nothing has moved."]);
    const outcome = JSON.parse(out) as { readonly ok: boolean; readonly before: Survey; readonly after: Survey };
    assert.deepEqual([outcome.ok, outcome.before.holder, outcome.after.holder], [false, "node-a", "node-a"]);
  });

  it("is used wrongly with a duration that is none, or longer than a day", async () => {
    for (const drain of ["soon", "2d"]) assert.deepEqual([(await nodectl(["switchover", "--drain", drain, "--yes"])).code, drain], [2, drain]);
  });
});

describe("nodectl takeover", () => {
  it("says what it overrides and why that is dangerous, and sends no order without --force", async () => {
    const { code, out, err, orders } = await nodectl(["takeover", "--yes"]);
    assert.deepEqual([code, orders.length], [1, 0]);
    assert.match(out, /overrides "not paused": Automatic claims are paused by an operator: works\.\n {2}danger: Somebody may be working\./);
    assert.match(err, /^Refused: "not paused" would have to be overridden; --force does\.$/);
  });

  it("asks even with --force, and orders exactly what was shown", async () => {
    const no = await nodectl(["takeover", "--force"], false);
    assert.deepEqual([no.code, no.orders.length, no.asked], [1, 0, ["Take the address over from node-a to node-b, although the above speaks against it?"]]);
    const { code, orders } = await nodectl(["takeover", "--force", "--reason", "zone 1 is gone"], true);
    assert.equal(code, 0);
    const [order] = orders;
    assert.ok(order?.kind === "takeover");
    assert.deepEqual({ ...order.request, id: "" }, { id: "", reason: "zone 1 is gone", from: "node-a", accepted: ["not paused"], evenIfNotServing: false });
  });
});
