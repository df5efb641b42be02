import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { entranceOf, joinCampaigns, parseCampaign, type Campaign } from "../../agent/stasis-app/core/campaign.ts";
import { menuPicture } from "../../agent/stasis-app/core/menu-picture.ts";
import { newMenuState, step, type MenuAction, type MenuEvent, type MenuState } from "../../agent/stasis-app/core/menu.ts";

const SAMPLE = "agent/stasis-app/samples/autumn-appeal.json";
const sample = parseCampaign("autumn-appeal.json", readFileSync(SAMPLE, "utf8"));

/** A campaign around these nodes. */
function withNodes(nodes: object, start = "ask"): string {
  return JSON.stringify({ campaign: "c", trunk: "t", menu: { start, nodes } });
}

function parse(nodes: object, start?: string): Campaign {
  return parseCampaign("c.json", withNodes(nodes, start));
}

/** One call in a menu: feeds events in and keeps what was asked for. */
class Call {
  state: MenuState = newMenuState();
  readonly campaign: Campaign;
  readonly all: MenuAction[] = [];
  last: readonly MenuAction[] = [];

  constructor(campaign: Campaign) {
    this.campaign = campaign;
    this.feed({ type: "entered" });
  }

  feed(event: MenuEvent): this {
    const { state, actions } = step(this.campaign.menu, this.state, event);
    this.state = state;
    this.last = actions;
    this.all.push(...actions);
    return this;
  }

  played(): this {
    return this.feed({ type: "played", turn: this.state.turn });
  }

  press(...digits: readonly string[]): this {
    for (const digit of digits) this.feed({ type: "digit", digit });
    return this;
  }

  timeOut(): this {
    return this.feed({ type: "timer", turn: this.state.turn });
  }

  told(): readonly string[] {
    return this.all.flatMap((action) => (action.type === "tell" ? [action.event] : []));
  }

  plays(): readonly string[] {
    return this.last.flatMap((action) => (action.type === "play" ? action.media : []));
  }
}

const BYE = { type: "goodbye" };
const ASK = { type: "gather", media: ["sound:ask"], choices: { 1: "bye" }, exhausted: "bye" };

describe("the sample campaign", () => {
  const atChoice = (): Call => new Call(sample).played().played();

  it("plays the call's own audio, then asks", () => {
    const call = new Call(sample);
    assert.deepEqual(call.plays(), ["$audio"]);
    assert.deepEqual(call.played().plays(), ["sound:autumn-appeal/choose"]);
    assert.deepEqual(call.played().last, [{ type: "start-timer", turn: call.state.turn, ms: 10_000 }]);
  });

  it("tells of a donation after 1, thanks and hangs up", () => {
    const call = atChoice().press("1");
    assert.deepEqual(call.told(), ["digit", "donation"]);
    assert.deepEqual(call.played().last, [{ type: "hang-up" }]);
  });

  it("has more information behind 2, from which 0 leads back to the choice", () => {
    const call = atChoice().press("2");
    assert.equal(call.state.node, "information/about");
    assert.equal(call.press("1").state.node, "information/projects");
    assert.equal(call.played().press("0").state.node, "choose");
  });

  it("transfers to an agent after 3, and says goodbye after that or when none is free", () => {
    for (const [outcome, node] of [["ended", "farewell"], ["busy", "no-agent"], ["no-answer", "no-agent"], ["failed", "no-agent"]] as const) {
      const call = atChoice().press("3").played();
      assert.deepEqual(call.last.map((action) => action.type), ["transfer"]);
      assert.equal(call.feed({ type: "transfer", turn: call.state.turn, outcome }).state.node, node, outcome);
    }
  });

  it("opts out at the press of 9, before anything more is played", () => {
    const call = atChoice().press("9");
    assert.deepEqual(call.last.map((action) => action.type), ["stop-timer", "tell", "opt-out", "tell", "play"]);
  });

  it("repeats after 0", () => {
    assert.equal(atChoice().press("0").state.node, "welcome");
  });

  it("says goodbye to a caller who is silent three times", () => {
    const call = atChoice();
    for (let time = 0; time < 2; time += 1) {
      assert.deepEqual(call.timeOut().plays(), ["sound:autumn-appeal/are-you-there", "sound:autumn-appeal/choose"]);
      call.played();
    }
    assert.equal(call.timeOut().state.node, "farewell");
  });
});

describe("gathering digits", () => {
  const account = parse({ ask: { type: "gather", media: ["sound:number"], minDigits: 3, maxDigits: 5, terminator: "#", into: "account", next: "tell", choices: { "*": "bye" }, exhausted: "bye", secret: true }, tell: { type: "event", event: "typed", next: "bye" }, bye: BYE });
  const waiting = (): Call => new Call(account).played();

  it("takes as many as may be, without a terminator", () => {
    const call = waiting().press("1", "2", "3", "4", "5");
    assert.deepEqual(call.all.find((action) => action.type === "tell"), { type: "tell", event: "typed", data: { account: "12345" } });
  });

  it("ends at the terminator or when no further digit comes, and not before", () => {
    assert.deepEqual(waiting().press("1", "2", "3").last.at(-1), { type: "start-timer", turn: 5, ms: 5_000 });
    assert.deepEqual(waiting().press("1", "2", "3", "#").told(), ["typed"]);
    assert.deepEqual(waiting().press("1", "2", "3").timeOut().told(), ["typed"]);
  });

  it("takes too few as invalid and begins anew", () => {
    const call = waiting().press("1", "2", "#");
    assert.equal(call.state.failures, 1);
    assert.equal(call.state.digits, "");
    assert.deepEqual(call.told(), [], "secret digits are never told");
  });

  it("waits for the longer of two choices, and takes the shorter when nothing follows", () => {
    const two = parse({ ask: { type: "gather", maxDigits: 2, choices: { 1: "one", 12: "two" }, exhausted: "one" }, one: BYE, two: { type: "play", media: ["sound:x"], next: "one" } });
    assert.equal(new Call(two).press("1").state.node, "ask");
    assert.equal(new Call(two).press("1").timeOut().state.node, "one");
    assert.equal(new Call(two).press("1", "2").state.node, "two");
  });

  it("ignores keys during a prompt that may not be cut short", () => {
    const patient = parse({ ask: { ...ASK, bargeIn: false }, bye: BYE });
    assert.equal(new Call(patient).press("1").state.node, "ask");
    assert.equal(new Call(patient).played().press("1").state.phase, "over");
  });

  it("has branches of its own for wrong and for no input", () => {
    const branching = parse({ ask: { ...ASK, invalid: { next: "wrong" }, timeout: { next: "silent" } }, wrong: { type: "play", media: ["sound:wrong"], next: "bye" }, silent: { type: "play", media: ["sound:silent"], next: "bye" }, bye: BYE });
    assert.equal(new Call(branching).press("7").state.node, "wrong");
    assert.equal(new Call(branching).played().timeOut().state.node, "silent");
  });
});

describe("sub-menus", () => {
  /** A menu in a menu in a menu …; each has an agent's word for its depth, and the innermost returns. */
  const nested = (depth: number, deepest: number): object => ({
    ask: { type: "gather", media: ["sound:ask"], choices: depth === deepest ? { 1: "hello", 0: "back" } : { 1: "inner" }, exhausted: "bye" },
    ...(depth === deepest ? { hello: { type: "event", event: "deep", next: "ask" } } : { inner: { type: "menu", start: "ask", after: "behind", nodes: nested(depth + 1, deepest) }, behind: { type: "event", event: `out-of-${depth + 1}`, next: depth === 0 ? "bye" : "back" } }),
    ...(depth === 0 ? { bye: BYE } : { back: { type: "return" } }),
  });

  it("may be of any depth: each is entered and left on its own way, and what has one name in several is told apart", () => {
    const call = new Call(parse(nested(0, 6)));
    for (let depth = 0; depth < 6; depth += 1) call.press("1");
    assert.equal(call.state.node, `${"inner/".repeat(6)}ask`);
    call.press("1", "0");
    assert.deepEqual(call.told().filter((event) => event !== "digit"), ["deep", "out-of-6", "out-of-5", "out-of-4", "out-of-3", "out-of-2", "out-of-1"]);
    assert.equal(call.state.node, "bye");
  });
});

describe("the state machine", () => {
  it("ignores what belongs to an earlier turn", () => {
    const call = new Call(sample).played();
    const { turn } = call.state;
    call.press("2");
    for (const late of [{ type: "timer", turn }, { type: "played", turn }, { type: "transfer", turn, outcome: "ended" }] as const) {
      const before = call.state;
      call.feed(late);
      assert.deepEqual([call.state, call.last], [before, []]);
    }
  });

  it("resumes where a call has been, and begins anew where the menu has changed", () => {
    assert.equal(step(sample.menu, newMenuState(), { type: "entered", node: "information/about" }).state.node, "information/about");
    assert.equal(step(sample.menu, newMenuState(), { type: "entered", node: "gone" }).state.node, "welcome");
    const resumed = (agent: "there" | "gone" | null): readonly unknown[] => step(sample.menu, newMenuState(), { type: "entered", node: "agent", agent }).actions.map(({ type }) => type);
    assert.deepEqual([resumed("there"), resumed("gone"), resumed(null)], [["transfer"], ["play"], ["play"]], "with its agent at once; after the transfer; or from its prompt on");
    assert.equal(step(sample.menu, newMenuState(), { type: "entered", node: "agent", agent: "gone" }).state.node, "farewell");
  });

  it("whatever is pressed, never loses a call: it plays, waits, transfers or has hung up", () => {
    const event = fc.oneof(fc.constantFrom("0", "1", "2", "3", "4", "9", "*", "#").map((digit) => ({ what: "digit" as const, digit })), fc.constantFrom("played" as const, "timer" as const).map((what) => ({ what: what })), fc.constantFrom("ended" as const, "busy" as const, "failed" as const, "answered" as const).map((outcome) => ({ what: "transfer" as const, outcome })));
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const call = new Call(sample);
        for (const each of events) {
          const before = call.state;
          if (each.what === "digit") call.press(each.digit);
          else if (each.what === "transfer") call.feed({ type: "transfer", turn: call.state.turn, outcome: each.outcome });
          else call.feed({ type: each.what, turn: call.state.turn });
          if (before.phase === "over") assert.deepEqual(call.last, []);
          const asked = call.all.filter((action) => action.type === "play" || action.type === "start-timer" || action.type === "transfer").at(-1);
          if (call.state.phase !== "over") assert.equal(asked !== undefined && "turn" in asked && asked.turn, call.state.turn);
        }
        assert.equal(call.all.filter((action) => action.type === "hang-up").length, call.state.phase === "over" ? 1 : 0);
      }),
    );
  });
});

describe("a campaign's file", () => {
  const wrong: readonly (readonly [what: string, nodes: object, expected: RegExp, start?: string])[] = [
    ["a target that is not there", { ask: { ...ASK, choices: { 1: "nowhere" } }, bye: BYE }, /c\.json: node ask, field choices\.1: there is no node "nowhere"/],
    ["a target inside a sub-menu", { ask: { ...ASK, choices: { 1: "sub" } }, sub: { type: "menu", start: "in", nodes: { in: { ...ASK, exhausted: "nowhere" } } }, bye: BYE }, /c\.json: node sub\/in, field exhausted: there is no node "nowhere"/],
    ["a wrong field of a nested node", { ask: { ...ASK, choices: { 1: "sub" } }, sub: { type: "menu", start: "in", nodes: { in: { ...ASK, tries: 99 } } }, bye: BYE }, /c\.json: node sub\/in, field tries: /],
    ["an unknown type", { ask: { type: "dance" }, bye: BYE }, /c\.json: node ask, field type: /],
    ["an unknown field", { ask: { ...ASK, chioces: {} }, bye: BYE }, /c\.json: node ask, field .*chioces/],
    ["something that Asterisk can't play", { ask: { ...ASK, media: ["hello.wav"] }, bye: BYE }, /c\.json: node ask, field media\.0: must be sound:/],
    ["a node that nothing leads to", { ask: ASK, bye: BYE, lost: BYE }, /c\.json: node lost, field type: no way leads here/],
    ["a start that is not there", { ask: ASK, bye: BYE }, /c\.json: node \(menu\), field start: there is no node "begin"/, "begin"],
    ["a circle without a key", { ask: { ...ASK, exhausted: "again" }, again: { type: "repeat", of: "ask" }, bye: BYE }, /node ask, field exhausted: a caller who presses nothing/],
    ["repeats that repeat each other", { ask: { ...ASK, choices: { 1: "a", 2: "bye" } }, a: { type: "repeat", of: "b" }, b: { type: "repeat", of: "a" }, bye: BYE }, /field of: leads in a circle/],
    ["a return to nowhere", { ask: { ...ASK, choices: { 1: "up", 2: "bye" } }, up: { type: "return" }, bye: BYE }, /node up, field type: a "return" needs a sub-menu/],
    ["a choice longer than the input", { ask: { ...ASK, choices: { 12: "bye" } }, bye: BYE }, /node ask, field choices\.12: has 2 keys/],
    ["half of an input", { ask: { ...ASK, into: "word" }, bye: BYE }, /node ask, field next: "into" and "next"/],
  ];
  for (const [what, nodes, expected, start] of wrong) {
    it(`is refused for ${what}, with file, node and field`, () => {
      assert.throws(() => parse(nodes, start), { code: "APP_CAMPAIGN_INVALID", message: expected });
    });
  }

  it("is refused with all problems at once", () => {
    assert.throws(() => parseCampaign("c.json", JSON.stringify({ campaign: "C!", menu: { start: "ask", nodes: { ask: { ...ASK, tries: 0 }, bye: BYE } } })), (error: Error) => {
      assert.match(error.message, /3 problems/);
      assert.match(error.message, /node \(campaign\), field campaign/);
      assert.match(error.message, /node \(campaign\), field trunk/);
      assert.match(error.message, /node ask, field tries/);
      return true;
    });
    assert.throws(() => parseCampaign("c.json", "{"), { code: "APP_CAMPAIGN_INVALID", message: /c\.json is not JSON/ });
  });

  it("must not share its name or a called number with another", () => {
    assert.throws(() => joinCampaigns(new Map([["a.json", sample], ["b.json", sample]])), /b\.json: node \(campaign\), field campaign/);
    assert.throws(() => joinCampaigns(new Map([["a.json", sample], ["b.json", { ...sample, campaign: "other" }]])), /b\.json: node \(campaign\), field inbound/);
  });

  it("is found by the number that was called, with a + or without", () => {
    const campaigns = new Map([["any", { ...sample, campaign: "any", inbound: ["*"] }], [sample.campaign, sample]]);
    assert.equal(entranceOf(campaigns, "4930555000")?.campaign, "autumn-appeal");
    assert.equal(entranceOf(campaigns, "+49999")?.campaign, "any");
    assert.equal(entranceOf(new Map([[sample.campaign, sample]]), "+49999"), null);
  });
});

describe("the picture of a menu", () => {
  it("has a box for every node and an arrow for every way", () => {
    const picture = menuPicture("sample", sample.menu);
    assert.match(picture, /^---\ntitle: "sample"\n---\nflowchart TD\n/);
    for (const path of sample.menu.steps.keys()) assert.ok(picture.includes(`"${path}`), path);
    assert.match(picture, /-->\|"9"\|/);
    assert.match(picture, /-\.->\|"exhausted"\|/);
  });

  it("is printed by npm run menu, which says what is wrong otherwise", () => {
    const run = (file: string) => spawnSync(process.execPath, ["--import", "tsx", "agent/stasis-app/menu-main.ts", file], { encoding: "utf8" });
    assert.equal(run(SAMPLE).stdout, menuPicture("autumn-appeal", sample.menu));
    const refused = run("package.json");
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /package\.json: node \(campaign\), field/);
  });
});
