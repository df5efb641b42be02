import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RIVAL_FAULT_NAMES } from "../bench/rival/measure-rival.ts";
import { rivalPage, rivalPart, rivalTable, type RivalResults } from "../bench/rival/rival-report.ts";
import { checkScript, keepalivedConf } from "../bench/rival/keepalived-files.ts";

const run = (contender: string, outageMs: number | null, more: object = {}) => ({ contender, fault: "killed", outageMs, needlessMoves: 0, askew: false, stranded: false, load: 0.5, ...more });
const RESULTS: RivalResults = {
  machine: "2 cores", day: "2026-01-02", keepalived: "Keepalived v2", labs: 2, knobs: { HOLD_DOWN_MS: "1000" }, failures: ["gone 1/5 agent: it broke"],
  runs: [run("keepalived", 6_000), run("agent", 1_500), run("agent", 1_700.4), run("keepalived", null, { needlessMoves: 2, askew: true })],
};

describe("the comparison with a rival", () => {
  it("has faults that each have a name of their own", () => {
    assert.equal(new Set(RIVAL_FAULT_NAMES).size, RIVAL_FAULT_NAMES.length);
  });

  it("shows median, maximum, what never came back and needless moves, the same for both", () => {
    const rows = rivalTable(RESULTS).split("\n").slice(1).map((line) => line.split(/ {2,}/).map((cell) => cell.trim()));
    assert.deepEqual(rows.map((cells) => cells.slice(1)), [
      ["agent", "2", "1500 ms", "1700 ms", "0", "0", "0"],
      ["keepalived", "2", "6000 ms", "no end", "1", "2", "1"],
    ]);
  });

  it("says on the page with which settings, on what and how it was measured, and what failed", () => {
    const page = rivalPage(RESULTS);
    for (const expected of ["Keepalived v2: VRRP version 3", "`HOLD_DOWN_MS=1000`", "2026-01-02, 2 cores; 2 labs side by side", "**A run without a result.** gone 1/5 agent: it broke", "**Asterisk killed on the active.**"]) assert.ok(page.includes(expected), `${expected} is missing`);
    assert.ok(!page.includes("the cable between"), "a fault that was not made is not shown");
    assert.ok(rivalPart(RESULTS).includes("| Asterisk killed on the active | agent | 2 | 1500 ms |"));
  });
});

describe("the rival's files", () => {
  it("let each node's keepalived know its own address and its peer's, and never preempt", () => {
    const conf = keepalivedConf("node-a", "node-b", 101);
    assert.match(conf, /unicast_src_ip 10\.0\.1\.10\n\s+unicast_peer \{\n\s+10\.0\.2\.10\n/);
    assert.match(conf, /nopreempt/);
    assert.match(conf, /priority 101/);
  });

  it("ask ARI with the password, in the way that HTTP has it", () => {
    assert.ok(checkScript("agent", "secret").includes(`Basic ${Buffer.from("agent:secret").toString("base64")}`));
  });
});
