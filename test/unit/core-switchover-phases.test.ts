// The phases of a planned failover, to the millisecond: what takes it on, what holds it, and what each end leaves behind.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Holder } from "../../agent/core/types.ts";
import type { State } from "../../agent/core/state.ts";
import { advanceSwitchover, askSwitchover, beginSwitchover, callOff, endWhenDeposed, foldCount, handOverMs, isUnderWay, switchoverSays, type Switchover, type SwitchoverPhase } from "../../agent/core/switchover.ts";
import { believed, sampleConfig, sampleHeartbeat, sampleMember, sampleStandby } from "../simulation/core-samples.ts";
import { AT_MS, config, counts, later, request, sampleActive, sampleOffer } from "../support/switching.ts";

const { cloudTimeoutMs, claimTimeoutMs, claimConfirmWithinMs, egressGraceMs } = config;
const phaseOf = ({ switchover }: State): SwitchoverPhase | undefined => switchover?.phase;
const EARLIER = { sinceMs: 1, untilMs: AT_MS + 600_000, reason: "works" };
const refusing = (over: Partial<State> = {}): State => advanceSwitchover({ ...beginSwitchover(sampleActive({}, over), request, config), maintenance: true }, config);
const silent = (state: State): State => ({ ...state, members: { "node-a": sampleMember(state.nowMs - 3_000, sampleHeartbeat({ role: "standby", holds: false })) } });
/** The offer, withdrawn because its time was over. */
const withdrawn = (): State => advanceSwitchover(later(sampleOffer(), handOverMs(config)), config);
const inPhase = (state: State, phase: SwitchoverPhase): State => ({ ...state, switchover: state.switchover === null ? null : { ...state.switchover, phase } });

describe("the order", () => {
  it("is kept with its times: the drain, and the drain of Asterisk that outlasts everything else by a minute", () => {
    const { switchover, draining } = beginSwitchover(sampleActive({}, { sequence: 7 }), request, config);
    assert.deepEqual(switchover, { id: request.id, to: "node-a", reason: "new kernel", phase: "draining", ending: "", startedAtMs: AT_MS, drainUntilMs: AT_MS + 60_000, refusingSinceMs: null, empty: false, troubleSinceMs: null, phaseAtMs: AT_MS, phaseSequence: 7, offeredAtMs: null, before: null });
    assert.equal(handOverMs(config), cloudTimeoutMs + claimTimeoutMs + claimConfirmWithinMs);
    assert.equal(draining?.untilMs, AT_MS + 60_000 + handOverMs(config) + claimTimeoutMs + 2 * claimConfirmWithinMs + 60_000);
    assert.equal(draining.sinceMs, AT_MS);
  });

  it("goes on with an earlier drain, and keeps it", () => {
    const { switchover, draining } = beginSwitchover(sampleActive({}, { draining: EARLIER }), request, config);
    assert.equal(draining?.sinceMs, 1);
    assert.equal(switchover?.before, EARLIER);
  });

  it("tells the peers at once, whether it is taken, refused or only checked", () => {
    const quiet = { heartbeatNow: false };
    const taken = beginSwitchover(sampleActive({}, quiet), request, config);
    const refused = beginSwitchover(sampleActive({ ready: false }, quiet), request, config);
    const checked = beginSwitchover(sampleActive({}, quiet), { ...request, dryRun: true }, config);
    assert.deepEqual([taken, refused, checked].map((state) => [phaseOf(state), state.heartbeatNow, state.draining === null]), [["draining", true, false], ["refused", true, true], ["checked", true, true]]);
  });

  it("is taken once, and no second one while it is under way", () => {
    const begun = beginSwitchover(sampleActive(), request, config);
    assert.equal(beginSwitchover(begun, request, config), begun);
    for (const phase of ["draining", "yielding", "withdrawing"] as const) {
      const state = inPhase(begun, phase);
      assert.ok(isUnderWay(state.switchover));
      assert.equal(beginSwitchover(state, { ...request, id: "00000000000000d2" }, config), state, phase);
    }
    for (const phase of ["done", "failed", "refused", "checked"] as const) {
      const state = { ...inPhase(begun, phase), draining: null };
      assert.ok(!isUnderWay(state.switchover));
      assert.equal(beginSwitchover(state, request, config), state, "asked again");
      assert.equal(beginSwitchover(state, { ...request, id: "00000000000000d2" }, config).switchover?.id, "00000000000000d2", phase);
    }
    assert.ok(!isUnderWay(null));
  });

  it("without a target means the first standby by name that is fit in every respect, or the first there is", () => {
    const three = sampleConfig({ nodes: ["node-a", "node-b", "node-c"] });
    const anybody = { ...request, to: null };
    const chosen = (a: object, c: object): string | null | undefined => {
      const members = { "node-a": sampleMember(AT_MS, sampleHeartbeat({ role: "standby", holds: false, ...a })), "node-c": sampleMember(AT_MS, sampleHeartbeat({ node: "node-c", role: "standby", holds: false, ...c })) };
      return beginSwitchover({ ...sampleActive(), members }, anybody, three).switchover?.to;
    };
    assert.equal(chosen({}, {}), "node-a");
    assert.equal(chosen({ ready: false }, {}), "node-c");
    assert.equal(chosen({ ready: false }, { ready: false }), "node-a");
    assert.equal(beginSwitchover(sampleActive(), anybody, { ...three, peers: [] }).switchover?.to, null);
  });

  it("is passed on to the active where that is another node that is heard, by nodes only, and once", () => {
    const standby = sampleStandby(AT_MS, config);
    assert.deepEqual(askSwitchover(standby, request, config).passingOn, [{ to: "node-a", request }]);
    const earlier = { to: "node-a", request: { ...request, id: "00000000000000d9" } };
    assert.deepEqual(askSwitchover({ ...standby, passingOn: [earlier] }, request, config).passingOn, [earlier, { to: "node-a", request }]);
    assert.equal(phaseOf(askSwitchover(silent(standby), request, config)), "refused");
    for (const holder of [null, { kind: "nobody" }] as const) assert.equal(phaseOf(askSwitchover({ ...standby, ownership: { ...standby.ownership, holder } }, request, config)), "refused");
    assert.equal(phaseOf(askSwitchover(sampleActive(), request, config)), "draining");
    const witness = { ...config, kind: "witness" } as const;
    assert.equal(askSwitchover(standby, request, witness), standby);
    const asked = { ...standby, switchover: beginSwitchover(sampleActive(), request, config).switchover };
    assert.equal(askSwitchover(asked, request, config), asked);
  });
});

describe("the count of calls", () => {
  const begun = refusing().switchover;
  const empty = (switchover: Switchover | null, calls: number, channels: number, sentAtMs = AT_MS): boolean | undefined => foldCount(switchover, counts(calls, channels), sentAtMs)?.empty;

  it("says that all calls have ended when it has begun since Asterisk refuses new ones, and found neither call nor channel", () => {
    assert.equal(empty(begun, 0, 0), true);
    assert.equal(empty(begun, 0, 0, AT_MS - 1), false);
    assert.equal(empty(begun, 1, 0), false);
    assert.equal(empty(begun, 0, 1), false);
    assert.equal(begun !== null && empty({ ...begun, refusingSinceMs: null }, 0, 0), false);
    assert.equal(begun !== null && empty({ ...begun, empty: true }, 2, 4), false, "somebody has called in the meantime");
  });

  it("changes nothing when it says what is known, failed, is another probe's, or comes in another phase", () => {
    assert.equal(foldCount(begun, counts(3, 6), AT_MS), begun);
    assert.equal(foldCount(null, counts(0, 0), AT_MS), null);
    assert.equal(foldCount(begun, { kind: "probe", probe: "counts", outcome: { ok: false, failure: { code: "x", message: "" } } }, AT_MS), begun);
    assert.equal(foldCount(begun, { kind: "probe", probe: "queues", outcome: counts(0, 0).outcome }, AT_MS), begun);
    const offer = sampleOffer().switchover;
    assert.equal(foldCount(offer, counts(0, 5), AT_MS + 500), offer);
  });
});

describe("the drain", () => {
  it("begins to count when Asterisk refuses calls, and anew when it has taken some in between", () => {
    const first = refusing();
    assert.equal(first.switchover?.refusingSinceMs, AT_MS);
    const second = advanceSwitchover(later(first, 500, {}, { maintenance: true }), config);
    assert.equal(second.switchover?.refusingSinceMs, AT_MS);
    const taking = advanceSwitchover(later({ ...second, switchover: { ...(second.switchover), empty: true } }, 500, {}, { maintenance: false }), config);
    assert.deepEqual([taking.switchover?.refusingSinceMs, taking.switchover?.empty], [null, false]);
  });

  it("is given up when Asterisk has not taken the order for five seconds", () => {
    let state = advanceSwitchover(beginSwitchover(sampleActive(), request, config), config);
    assert.equal(state.switchover?.troubleSinceMs, AT_MS);
    state = advanceSwitchover(later(state, 4_999), config);
    assert.deepEqual([phaseOf(state), state.switchover?.troubleSinceMs], ["draining", AT_MS]);
    state = advanceSwitchover(later(state, 1), config);
    assert.equal(phaseOf(state), "failed");
    assert.match(switchoverSays(state), /does not take the order to refuse new calls/);
  });

  it("forgets a trouble that is over", () => {
    const troubled = advanceSwitchover(later(refusing(), 1_000, { ready: false }), config);
    assert.equal(troubled.switchover?.troubleSinceMs, AT_MS + 1_000);
    assert.equal(advanceSwitchover(later(troubled, 1_000), config).switchover?.troubleSinceMs, null);
  });

  it("ends with an offer when nobody is left, at once", () => {
    const offer = sampleOffer();
    assert.deepEqual([phaseOf(offer), offer.switchover?.offeredAtMs, offer.switchover?.phaseAtMs, offer.switchover?.phaseSequence, offer.heartbeatNow], ["yielding", offer.nowMs, offer.nowMs, offer.sequence, true]);
    assert.ok(offer.draining !== null);
  });

  it("gives way to a relief at once, whatever else holds", () => {
    const state = advanceSwitchover({ ...refusing({ draining: EARLIER }), yielding: "Asterisk hangs." }, config);
    assert.equal(phaseOf(state), "failed");
    assert.match(switchoverSays(state), /asks to be relieved at once: Asterisk hangs/);
    assert.deepEqual(state.draining, EARLIER);
  });
});

describe("the offer", () => {
  it("stands until its time is over", () => {
    assert.equal(phaseOf(advanceSwitchover(later(sampleOffer(), handOverMs(config) - 1), config)), "yielding");
    const state = withdrawn();
    assert.equal(phaseOf(state), "withdrawing");
    assert.match(state.switchover?.ending ?? "", /^node-a has not taken the address within [^:]*\.$/);
  });

  it("is withdrawn when the target has not been heard for five seconds in a row", () => {
    let state = advanceSwitchover(silent(later(sampleOffer(), 100)), config);
    const sinceMs = state.nowMs;
    assert.equal(state.switchover?.troubleSinceMs, sinceMs);
    const heard = advanceSwitchover(later(state, 100), config);
    assert.equal(heard.switchover?.troubleSinceMs, null);
    state = advanceSwitchover(silent(later(state, 4_999)), config);
    assert.deepEqual([phaseOf(state), state.switchover?.troubleSinceMs], ["yielding", sinceMs]);
    state = advanceSwitchover(silent(later(state, 1)), config);
    assert.equal(phaseOf(state), "withdrawing");
    assert.match(state.switchover?.ending ?? "", /node-a is not heard any more/);
    assert.equal(state.switchover?.troubleSinceMs, null);
  });

  it("is taken when the target answers that it is active and holds the address, and not before", () => {
    const said = (over: object): State => advanceSwitchover(later(sampleOffer(), 700, over), config);
    assert.equal(phaseOf(said({ role: "active", holds: false })), "yielding");
    assert.equal(phaseOf(said({ role: "claiming", holds: true })), "yielding");
    const done = said({ role: "active", holds: true });
    assert.equal(phaseOf(done), "done");
    assert.match(switchoverSays(done), /on node-a 700 ms after node-b offered it/);
    assert.equal(done.draining?.untilMs, done.nowMs + egressGraceMs);
    assert.equal(advanceSwitchover(later({ ...sampleOffer(), draining: null }, 700, { role: "active", holds: true }), config).draining, null);
  });

  it("is withdrawn when an operator ends the drain, and then no earlier drain comes back", () => {
    const off = callOff({ ...sampleOffer(), switchover: { ...(sampleOffer().switchover as Switchover), before: EARLIER } }, config);
    assert.deepEqual([phaseOf(off), off.switchover?.before, off.switchover?.ending], ["withdrawing", null, "an operator ended the drain."]);
    assert.ok(off.draining !== null, "calls are refused until it is certain that nothing moves");
    const again = callOff({ ...off, nowMs: off.nowMs + 10 }, config);
    assert.equal(again.switchover?.phaseAtMs, off.switchover?.phaseAtMs, "a second word changes nothing");
  });
});

describe("a withdrawn offer", () => {
  it("has ended when the target answers that it makes no claim, and EC2 was read since", () => {
    const state = withdrawn();
    const unread = later(state, 250, {}, { ownership: { ...state.ownership, readSentAtMs: (state.switchover?.phaseAtMs ?? 0) - 1 } });
    assert.equal(phaseOf(advanceSwitchover(unread, config)), "withdrawing", "not read since");
    assert.equal(phaseOf(advanceSwitchover({ ...unread, ownership: { ...unread.ownership, readSentAtMs: null } }, config)), "withdrawing", "never read");
    const contrary = later(state, 250);
    assert.equal(phaseOf(advanceSwitchover({ ...contrary, ownership: { ...contrary.ownership, candidate: { kind: "nobody" } } }, config)), "withdrawing", "one read shows another holder");
    assert.equal(phaseOf(advanceSwitchover(later(state, 250, { echo: { sequence: state.sequence, heldMs: 1 } }), config)), "withdrawing", "it does not know yet");
    assert.equal(phaseOf(advanceSwitchover(later(state, 250), config)), "failed");
  });

  it("has ended, too, when the target is silent, once EC2 was read", () => {
    assert.equal(phaseOf(advanceSwitchover(silent(later(withdrawn(), 250)), config)), "failed");
  });

  it("has ended in any case when every claim is settled", () => {
    const waitMs = claimTimeoutMs + 2 * claimConfirmWithinMs;
    const claiming = (byMs: number): State => advanceSwitchover(later(withdrawn(), byMs, { role: "claiming" }), config);
    assert.equal(phaseOf(claiming(waitMs - 1)), "withdrawing");
    assert.equal(phaseOf(claiming(waitMs)), "failed");
  });

  it("was taken after all when the target answers so", () => {
    assert.equal(phaseOf(advanceSwitchover(later(withdrawn(), 250, { role: "active", holds: true }), config)), "done");
  });
});

describe("the end of a switchover", () => {
  it("is told for two minutes, whichever it is, and then forgotten", () => {
    for (const phase of ["done", "failed", "refused", "checked"] as const) {
      const ended = inPhase(beginSwitchover(sampleActive(), request, config), phase);
      assert.equal(phaseOf(advanceSwitchover({ ...ended, nowMs: AT_MS + 119_999 }, config)), phase);
      assert.equal(advanceSwitchover({ ...ended, nowMs: AT_MS + 120_000 }, config).switchover, null);
    }
    const none = sampleActive();
    assert.equal(advanceSwitchover(none, config), none);
  });

  it("brings an earlier drain back that would not be over by now", () => {
    const ended = (untilMs: number): State => advanceSwitchover({ ...refusing({ draining: { ...EARLIER, untilMs } }), yielding: "x" }, config);
    assert.equal(ended(AT_MS + 1).draining?.untilMs, AT_MS + 1);
    assert.equal(ended(AT_MS).draining, null);
  });

  it("in its drain is the drain's end, and a drain without a switchover ends at an operator's word", () => {
    const off = callOff(refusing(), config);
    assert.deepEqual([phaseOf(off), off.draining], ["failed", null]);
    assert.equal(callOff(sampleActive({}, { draining: EARLIER }), config).draining, null);
    const ended = { ...inPhase(refusing(), "failed"), draining: EARLIER };
    assert.deepEqual([phaseOf(callOff(ended, config)), callOff(ended, config).draining], ["failed", null]);
  });

  it("is what EC2 shows when this node is deposed", () => {
    const deposedTo = (holder: Holder, state: State = sampleOffer()): State => endWhenDeposed({ ...state, ownership: believed(state.ownership, holder, state.nowMs) }, config);
    const done = deposedTo({ kind: "node", node: "node-a" });
    assert.deepEqual([phaseOf(done), done.draining?.untilMs], ["done", done.nowMs + egressGraceMs]);
    for (const holder of [{ kind: "nobody" }, { kind: "node", node: "node-c" }, { kind: "stranger", instanceId: null }] as const) {
      const failed = deposedTo(holder);
      assert.deepEqual([phaseOf(failed), failed.draining], ["failed", null], holder.kind);
      assert.match(switchoverSays(failed), /this node is standby now, and takes calls again/);
    }
    const ended = { ...inPhase(sampleOffer(), "failed"), draining: EARLIER };
    assert.equal(deposedTo({ kind: "nobody" }, ended).draining, EARLIER);
  });
});

describe("the sentence of a switchover", () => {
  it("says where it stands", () => {
    assert.equal(switchoverSays(sampleActive()), "");
    assert.match(switchoverSays(beginSwitchover(sampleActive(), request, config)), /^Telling Asterisk to refuse new calls/);
    assert.match(switchoverSays(refusing()), /^New calls are refused with 503; .* left, and wait for at most 60/);
    assert.match(switchoverSays(sampleOffer()), /^The address is offered to node-a\.$/);
    assert.match(switchoverSays(withdrawn()), /^The offer is withdrawn \(node-a has not taken the address within [^)]*\); making sure/);
  });
});
