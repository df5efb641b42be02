import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { draw } from "../demo/draw.ts";
import { FAULTS, type FaultName } from "../demo/faults.ts";
import { titleLines } from "../demo/progress.ts";
import { sampleRecord } from "../demo/sample.ts";
import { paint, styleOf, wrap, type Style } from "../demo/style.ts";
import { timeline } from "../demo/timeline.ts";

const NAMES = Object.keys(FAULTS) as FaultName[];
const PLAIN: Style = { width: 80, colour: false, unicode: true };
const text = (fault: FaultName, style = PLAIN): string => draw(sampleRecord(fault), style).join("\n");
/** The lane with this label, without it. */
const lane = (drawing: string, label: string): string => drawing.split("\n").find((line) => line.startsWith(`  ${label.padEnd(10)}`))?.slice(12) ?? "";

describe("the demo's drawing", () => {
  for (const fault of NAMES) {
    it(`fits into 80 columns and has no line end of its own (${fault})`, () => {
      for (const line of [...titleLines(fault, true), ...titleLines(fault, false), ...draw(sampleRecord(fault), PLAIN)]) {
        assert.ok(line.length <= 80, `${line.length} columns: ${line}`);
        assert.doesNotMatch(line, /[\n\r\u001b]/);
      }
    });

    it(`is plain ASCII where the terminal can't show more (${fault})`, () => {
      assert.match(text(fault, { ...PLAIN, unicode: false }), /^[\x20-\x7e\n]*$/);
    });

    it(`says the same with colour as without (${fault})`, () => {
      const coloured = text(fault, { ...PLAIN, colour: true });
      assert.match(coloured, /\u001b\[32m/);
      assert.equal(coloured.replace(/\u001b\[\d+m/g, ""), text(fault));
    });

    it(`ends with one line that says that the promises held (${fault})`, () => {
      assert.match(draw(sampleRecord(fault), PLAIN).at(-1) ?? "", /^PROMISES HELD: /);
    });
  }

  it("stays in 80 columns when the agents are long-winded", () => {
    const record = sampleRecord("partition");
    const sentence = `${"a-word-that-is-longer-than-any-line-of-any-terminal-".repeat(4)} and ${"more ".repeat(60)}`;
    const lines = draw({ ...record, conditions: [{ node: "node-b", atMs: 3_000, name: "nodes-cut-apart", sentence }], claims: [{ node: "node-b", atMs: 1, allowReassociation: null }] }, PLAIN);
    assert.equal(Math.max(...lines.map((line) => line.length)) <= 80, true);
  });

  it("shows the caller who answered, and measures the silence between", () => {
    const drawing = text("death");
    assert.match(lane(drawing, "caller"), /^a+·+b+$/);
    assert.match(drawing, /├─+ 2930 ms without an answer ─+┤/);
  });

  it("shows no outage where there was none", () => {
    assert.match(lane(text("agent-death"), "caller"), /^a+$/);
    assert.doesNotMatch(text("agent-death"), /without an answer/);
  });

  it("shows how the roles change hands, and that a dead node has none", () => {
    assert.match(lane(text("death"), "node-a"), /^█+✗$/);
    assert.match(lane(text("crash"), "node-a"), /^█+░+$/);
    assert.match(lane(text("crash"), "node-b"), /^░+▓+█+$/);
    assert.match(lane(text("partition"), "node-b"), /^░+$/);
  });

  it("shows the heartbeats and the probes up to the fault and after it", () => {
    const drawing = text("partition");
    assert.match(lane(drawing, "heartbeats"), /^[ |]{8,12}$/, "none after the cut");
    assert.match(lane(drawing, "sip"), /•.*×/);
    assert.doesNotMatch(lane(drawing, "eip"), /×/);
    assert.match(lane(drawing, "EC2"), /M/);
    assert.match(lane(text("death"), "EC2"), /r.*C.*r/);
  });

  it("prints the votes on which was decided, and why nothing was decided", () => {
    assert.match(text("death"), /node-b {5}down {7}down {7}down {7}down\n {2}EC2 .*unknown/);
    assert.match(text("crash"), /By consent: node-a asked for it itself/);
    assert.match(text("partition"), /node-b does not claim\. A claim waits for/);
  });
});

describe("the list of what happened", () => {
  it("is in the order of time and begins shortly before the fault", () => {
    for (const fault of NAMES) {
      const times = timeline(sampleRecord(fault)).map(({ atMs }) => atMs);
      assert.deepEqual(times, times.toSorted((a, b) => a - b));
      assert.ok((times[0] ?? -Infinity) >= -1_000);
    }
  });

  it("tells the story of a death: silence, suspicion, both probes, claim, packets, caller", () => {
    const said = timeline(sampleRecord("death")).map(({ who, says }) => `${who} ${says}`).join("\n");
    assert.match(said, /last heartbeat[^]*DIES[^]*sip: no answer 3 times[^]*eip: no answer 3 times[^]*SUSPECTS[^]*CLAIMS[^]*AllowReassociation=true[^]*ACTIVE[^]*packets to the Elastic IP reach node-b[^]*answered again, by node-b/);
  });

  it("says at once that a killed Asterisk refuses, and of a hanging one when the third answer is missing", () => {
    const own = (fault: FaultName): string => timeline(sampleRecord(fault)).filter(({ who, says }) => who === "node-a" && says.includes("own Asterisk")).map(({ says }) => says).join("; ");
    assert.equal(own("crash"), "its own Asterisk refuses (ARI); its own Asterisk refuses (SIP)");
    assert.equal(own("hang"), "no answer 3 times from its own Asterisk (ARI); no answer 3 times from its own Asterisk (SIP)");
  });
});

describe("the drawing's style", () => {
  it("uses colour on a terminal only, and never against NO_COLOR", () => {
    assert.equal(styleOf({ TERM: "xterm" }, true, "linux").colour, true);
    assert.equal(styleOf({ TERM: "dumb" }, true, "linux").colour, false);
    assert.equal(styleOf({}, false, "linux").colour, false);
    assert.equal(styleOf({ FORCE_COLOR: "1" }, false, "linux").colour, true);
    assert.equal(styleOf({ FORCE_COLOR: "1", NO_COLOR: "1" }, true, "linux").colour, false);
  });

  it("uses ASCII unless the locale says UTF-8", () => {
    assert.equal(styleOf({ LANG: "C" }, true, "linux").unicode, false);
    assert.equal(styleOf({ LANG: "en_GB.UTF-8" }, true, "linux").unicode, true);
    assert.equal(styleOf({ LC_ALL: "C", LANG: "en_GB.UTF-8" }, true, "linux").unicode, false);
    assert.equal(styleOf({}, true, "darwin").unicode, true);
  });

  it("wraps at spaces, cuts what is too long, and paints nothing without colour", () => {
    assert.deepEqual(wrap("one two three", 7), ["one two", "three"]);
    assert.deepEqual(wrap("abcdefgh i", 3), ["abc", "def", "gh", "i"]);
    assert.equal(paint("text", "red", PLAIN), "text");
  });
});
