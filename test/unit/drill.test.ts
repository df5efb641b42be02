// The parts of `nodectl drill` that need no cluster: what probes say of an outage, the preconditions, the verdict, the report, the timer.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { outageOf, type OutsideProbe } from "../../agent/drill/outage.ts";
import { OutsideWatch } from "../../agent/drill/outside-watch.ts";
import { preconditionsOf } from "../../agent/drill/preconditions.ts";
import { drillText, verdictOf, type DrillReport, type Leg } from "../../agent/drill/report.ts";
import { CALENDAR, drillUnits } from "../../agent/drill/timer.ts";
import { AgentError } from "../../agent/errors.ts";
import type { Survey } from "../../agent/operator-desk.ts";
import type { StatusView } from "../../agent/status/schema.ts";
import { statusView } from "../../agent/status/view.ts";
import { settledPair } from "../support/small-world.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

const answered = (sentAtMs: number, status = 200): OutsideProbe => ({ sentAtMs, answeredAtMs: sentAtMs + 10, status });
const lost = (sentAtMs: number): OutsideProbe => ({ sentAtMs, answeredAtMs: null, status: null });

const PAIR = settledPair();
const VIEW: StatusView = { ...statusView(PAIR.state("node-b"), PAIR.config("node-b"), { worstCase: [], refusals: {} }), conditions: [] };
const row = (node: string, role: string): Survey["rows"][number] => ({ node, role, holds: role === "active", asterisk: "serving", calls: 0, draining: false, note: "" });
const SURVEY: Survey = { node: "node-b", kind: "node", cluster: "test", publicIp: "203.0.113.10", holder: "node-a", paused: null, underWay: null, rows: [row("node-a", "active"), row("node-b", "standby")] };
const GOOD = { addressAnswers: true, dryRun: { ok: true, message: "node-b could take the address from node-a now." } };
const failing = (view: Partial<StatusView>, survey: Partial<Survey> = {}, checked: Partial<Parameters<typeof preconditionsOf>[2]> = {}): readonly string[] =>
  preconditionsOf({ ...VIEW, ready: { claim: true, failure: null, mark: true }, ...view }, { ...SURVEY, ...survey }, { ...GOOD, ...checked }).filter(({ holds }) => !holds).map(({ what }) => what);

const LEG: Leg = { from: "node-a", to: "node-b", startedAt: "2026-11-01T04:00:00.000Z", endedAt: "2026-11-01T04:00:03.000Z", ok: true, message: "The address is on node-b.", steps: [{ at: "2026-11-01T04:00:01.000Z", says: "node-a waits for 2 call(s) | to end" }], outage: { asked: 30, unanswered: 4, refused: 9, silenceMs: 480, refusalMs: 1_320 } };
const REPORT: DrillReport = { drill: "20261101T040000Z", cluster: "test", address: "203.0.113.10:5060", node: "node-b", operator: "ann (sudo)", reason: "quarterly", dryRun: false, software: "1.2.3", asterisk: "22.10.1", startedAt: LEG.startedAt, endedAt: "2026-11-01T04:00:09.000Z", maxSilenceMs: 5_000, askedEveryMs: 100, preconditions: [{ what: "there is a standby", holds: true, found: "2 node(s)" }], legs: [LEG, { ...LEG, from: "node-b", to: "node-a" }], holderBefore: "node-a", holderAfter: "node-a", moves: [], probes: [] };

describe("what the probes from outside say", () => {
  it("tells silence from answers that refuse new calls", () => {
    const probes = [answered(0), answered(100), answered(200, 503), answered(300, 503), lost(400), lost(500), answered(600), answered(700)];
    assert.deepEqual(outageOf(probes, 0, 720), { asked: 8, unanswered: 2, refused: 2, silenceMs: 300, refusalMs: 500 });
  });

  it("counts silence at the ends, and knows no outage where nothing was asked", () => {
    assert.equal(outageOf([lost(0), lost(100), answered(900)], 0, 1_000).silenceMs, 910);
    assert.equal(outageOf([answered(0), lost(100), lost(900)], 0, 1_000).silenceMs, 990);
    assert.deepEqual(outageOf([answered(5_000)], 0, 1_000), { asked: 0, unanswered: 0, refused: 0, silenceMs: 0, refusalMs: 0 });
  });

  it("are gathered without waiting for one that is lost", async (context) => {
    let sent = 0;
    let lose: (reason: AgentError) => void = () => undefined;
    const lost = new Promise<never>((_resolve, reject) => { lose = reject; });
    const prober = { sipOptions: (): Promise<{ status: number }> => ((sent += 1) === 1 ? lost : Promise.resolve({ status: 200 })), tcpConnect: () => Promise.resolve() };
    const watch = new OutsideWatch(prober, { monotonicMs: () => performance.now() }, { host: "203.0.113.10", port: 5060 });
    context.after(() => watch.stop());
    watch.start();
    await waitUntil("two answers", () => watch.probes.length >= 2, 10_000);
    assert.ok(watch.probes.every(({ status }) => status === 200), "the first that was sent is not among them");
    lose(new AgentError("AGENT_PROBE_TIMEOUT", "no answer"));
    await watch.stop();
    assert.equal(watch.probes.filter(({ status }) => status === null).length, 1);
  });
});

describe("the preconditions of a drill", () => {
  it("hold in a healthy pair", () => {
    assert.deepEqual(failing({}), []);
  });

  it("fail one by one, each by its own name", () => {
    assert.deepEqual(failing({}, { holder: "i-0stranger" }), ["one node is active and holds the address"]);
    assert.deepEqual(failing({}, { rows: [row("node-a", "active"), { ...row("node-b", "standby"), asterisk: "down" }] }), ["every node's Asterisk takes calls"]);
    assert.deepEqual(failing({}, { rows: [row("node-a", "active"), { ...row("node-b", "standby"), draining: true }] }), ["no node refuses new calls"]);
    assert.deepEqual(failing({ members: VIEW.members.map((member) => ({ ...member, hearing: "lost" as const })) }), ["every member is heard"]);
    assert.deepEqual(failing({}, { paused: "network work" }), ["automatic claims are neither paused nor blocked"]);
    assert.deepEqual(failing({ policy: { ...VIEW.policy, holdDownLeftMs: 9_000 } }), ["no hold-down is left from an earlier move"]);
    assert.deepEqual(failing({ ready: { claim: false, failure: { code: "AGENT_CLOUD_DENIED", message: "denied" }, mark: true } }), ["this node's dry run of a claim succeeds"]);
    assert.deepEqual(failing({ conditions: [{ name: "peer-lost", severity: "error", about: "node-a", sentence: "gone" }] }), ["nothing is wrong that a person must act on"]);
    assert.deepEqual(failing({}, { underWay: { id: "x", says: "draining" } }), ["no switchover is under way"]);
    assert.deepEqual(failing({}, {}, { addressAnswers: false }), ["the address answers SIP from this machine, over its public way"]);
    assert.deepEqual(failing({}, {}, { dryRun: { ok: false, message: "no" } }), ["the agents' own check of a switchover succeeds"]);
  });
});

describe("the verdict of a drill", () => {
  const verdict = (changes: Partial<DrillReport>): string => { const { passed, why } = verdictOf({ ...REPORT, ...changes }); return `${passed ? "passed" : "failed"}: ${why}`; };

  it("passes when both ways went well, within the limit, and the address is where it was", () => {
    assert.equal(verdict({}), "passed: There and back; nobody answered for at most 0.48 s, of 5.00 s allowed.");
    assert.equal(verdict({ dryRun: true, legs: [] }), "passed: Every precondition holds. Nothing was moved: a dry run.");
  });

  it("fails on a precondition, a way that failed, a silence that is too long, an address elsewhere", () => {
    assert.match(verdict({ preconditions: [{ what: "there is a standby", holds: false, found: "1 node(s)" }], legs: [] }), /^failed: Not begun: there is a standby \(1 node/);
    assert.match(verdict({ legs: [{ ...LEG, ok: false, message: "Nothing has moved." }] }), /^failed: The way from node-a to node-b failed: Nothing has moved\./);
    assert.match(verdict({ legs: [LEG, { ...LEG, outage: { ...LEG.outage, silenceMs: 6_000 } }] }), /^failed: On the way from .* 6\.00 s; 5\.00 s are allowed\./);
    assert.match(verdict({ holderAfter: "node-b" }), /^failed: The address is on node-b; it was on node-a\./);
  });
});

describe("the report of a drill", () => {
  it("says who, when, what was found, what was done and measured, and where the raw data is", () => {
    const text = drillText(REPORT, { file: "drill.json", sha256: "abc" });
    for (const part of ["# Drill 20261101T040000Z: PASSED", "| ordered by | ann (sudo) |", "| raw measurements | drill.json, SHA-256 abc |", "| yes | there is a standby | 2 node(s) |", "| silence, at the longest | 0.48 s |", "| new calls refused, at the longest | 1.32 s |", "- 2026-11-01T04:00:01.000Z node-a waits for 2 call(s) | to end", "## node-b to node-a: done", "One place has measured"]) assert.ok(text.includes(part), part);
  });
});

describe("the timer of a drill", () => {
  it("takes systemd's words and nothing that could end the line", () => {
    for (const good of ["Sun *-*-1..7 04:00", "monthly", "Mon..Fri *-*-* 04:00:00 Europe/Berlin".replace(/[A-Z]\w+\/\w+$/, "UTC")]) assert.match(good, CALENDAR);
    for (const bad of ["monthly\nExecStart=/bin/sh", "$(id)", "", "a;b"]) assert.doesNotMatch(bad, CALENDAR);
  });

  it("is made of units that systemd itself accepts", async (test) => {
    const [service = "", timer = ""] = drillUnits("Sun *-*-1..7 04:00", false).split("# ---- asterisk-node-drill.service\n")[1]?.split("# ---- asterisk-node-drill.timer\n") ?? [];
    assert.match(service, /^ExecStart=\/usr\/bin\/nodectl drill --yes --reason "by the timer"$/m);
    assert.match(drillUnits("monthly", true), /nodectl drill --yes --dry-run/);
    assert.match(timer, /^OnCalendar=Sun \*-\*-1\.\.7 04:00$/m);
    if (spawnSync("systemd-analyze", ["--version"]).error !== undefined) {
      test.diagnostic("no systemd-analyze on this machine: only the text was looked at");
      return;
    }
    const folder = await temporaryFolder();
    test.after(() => folder.remove());
    // The program and its user are the image's; what is checked is the grammar.
    await writeFile(join(folder.path, "asterisk-node-drill.service"), service.replace("/usr/bin/nodectl", "/bin/true").replace("User=node-agent\n", ""));
    await writeFile(join(folder.path, "asterisk-node-drill.timer"), timer);
    const checked = spawnSync("systemd-analyze", ["verify", "--man=no", join(folder.path, "asterisk-node-drill.timer")], { encoding: "utf8" });
    assert.doesNotMatch(checked.stderr, /asterisk-node-drill/, checked.stderr);
    const calendar = spawnSync("systemd-analyze", ["calendar", "Sun *-*-1..7 04:00"], { encoding: "utf8" });
    assert.equal(calendar.status, 0, calendar.stderr);
  });
});
