/**
 * What the page says in words: the sentence at its top, ages, and a sign beside every colour. Ages are coarse on purpose: a
 * page on which digits run is not read, and what does not change is not sent.
 */
import { inWords } from "../../core/in-words.ts";
import { memberRows } from "../cluster-rows.ts";
import type { StatusView } from "../schema.ts";
import { html, type Markup } from "./markup.ts";

/** How something is; each has its colour, its sign and its word. */
export type Tone = "good" | "warn" | "bad" | "none";
export const SIGNS: Readonly<Record<Tone, string>> = { good: "✓", warn: "▲", bad: "✕", none: "?" };

type Member = StatusView["members"][number];

/** The page's first line. */
export interface Headline {
  readonly tone: Tone;
  readonly title: string;
  /** Complete sentences without an age, so that a screen reader hears them once. */
  readonly sentence: string;
}

/** A whole age: nothing finer than a second. */
export function ago(ms: number | null): string {
  if (ms === null) return "never";
  return ms < 1_000 ? "under 1 s" : inWords(Math.floor(ms / 1_000) * 1_000).replace(".0 ", " ");
}

/** An age as the answer to "when?". */
export function when(ms: number | null): string {
  if (ms === null) return "never";
  return ms < 2_000 ? "just now" : `${ago(ms)} ago`;
}

/** A latency with two digits. */
export function latency(ms: number | null): string {
  if (ms === null) return "–";
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

/** `2026-11-20T12:00:01.500Z` as a time element in UTC, as the log has it. */
export function instant(iso: string): Markup {
  return html`<time datetime="${iso}">${iso.replace("T", " ").replace(/\.\d+Z$/, " UTC")}</time>`;
}

/** A word with its sign and colour. */
export function sign(tone: Tone, word: string): Markup {
  return html`<span class="sign ${tone}"><span aria-hidden="true">${SIGNS[tone]}</span> ${word}</span>`;
}

export function toneOfServing(serving: string): Tone {
  if (serving === "serving") return "good";
  if (serving === "degraded") return "warn";
  return serving === "down" ? "bad" : "none";
}

export function toneOfHearing(hearing: Member["hearing"]): Tone {
  if (hearing === "heard") return "good";
  if (hearing === "late") return "warn";
  return hearing === "lost" ? "bad" : "none";
}

export const HEARING_WORDS: Readonly<Record<Member["hearing"], string>> = { heard: "heard", late: "late", lost: "silent", never: "not heard yet" };

export function toneOfVerdict(verdict: string): Tone {
  if (verdict === "up") return "good";
  return verdict === "down" ? "bad" : "none";
}

/** Are callers served, and could somebody take over? */
export function headline(view: StatusView): Headline {
  const address = view.address.publicIp ?? "The Elastic IP";
  if (view.claim !== null) return { tone: "warn", title: "The address is being moved", sentence: `${view.node} is claiming ${address}. ${view.claim.reason}` };
  if (view.role === "starting") return { tone: "none", title: "Starting", sentence: `${view.node} has just started and is asking EC2 where the address is.` };
  const holder = view.address.here ? null : view.members.find((member) => member.id === view.address.holder);
  if (!view.address.here && holder === undefined) return offCluster(view, address);
  const served = holder == null ? ofOwn(view, address) : ofMember(view, holder, address);
  if (served.tone !== "good") return served;
  const relief = reliefOf(view);
  if (relief !== null) return { tone: "warn", title: "Callers are served, but nobody could take over by itself", sentence: `${served.sentence} ${relief}` };
  return { ...served, sentence: `${served.sentence} ${relievers(view).join(" and ")} could take over.` };
}

function offCluster(view: StatusView, address: string): Headline {
  if (view.address.holder === "unknown") return { tone: "none", title: "Not known yet", sentence: "Nobody has told yet where the address is." };
  if (view.address.holder === "nobody") return { tone: "bad", title: "Callers are not served", sentence: `${address} is on no instance.` };
  return { tone: "bad", title: "The address is outside the cluster", sentence: `${address} is on ${view.address.holder}. It is never taken back automatically.` };
}

function ofOwn(view: StatusView, address: string): Headline {
  const serving = view.health?.serving ?? "unknown";
  if (view.health?.yielding != null) return { tone: "bad", title: "Callers are not served", sentence: `${view.node} holds ${address} and asks to be relieved. ${view.health.yielding}` };
  if (serving === "serving") return { tone: "good", title: "Callers are served", sentence: `${view.node} holds ${address} and serves.` };
  if (serving === "degraded") return { tone: "warn", title: "Callers are served, but not well", sentence: `${view.node} holds ${address}. ${view.health?.reason ?? ""}` };
  return { tone: "bad", title: "Callers are not served", sentence: `${view.node} holds ${address}, but its Asterisk is ${serving}. ${view.health?.reason ?? ""}` };
}

function ofMember({ votes }: StatusView, { id, hearing, says }: Member, address: string): Headline {
  const answered = votes?.own.channels.some((channel) => channel.name === "eip" && channel.verdict === "up") === true;
  if (says === null || hearing === "lost" || hearing === "never") {
    if (answered) return { tone: "warn", title: "Callers are answered, but the active is silent", sentence: `${id} holds ${address} and is not heard. SIP on the Elastic IP is answered.` };
    return { tone: "bad", title: "Callers may not be served", sentence: `${id} holds ${address} and is not heard.` };
  }
  if (says.yield !== null) return { tone: "bad", title: "Callers are not served", sentence: `${id} holds ${address} and asks to be relieved. ${says.yield}` };
  if (says.serving === "serving") return { tone: "good", title: "Callers are served", sentence: `${id} holds ${address} and serves.` };
  if (says.serving === "degraded") return { tone: "warn", title: "Callers are served, but not well", sentence: `${id} holds ${address}. ${says.servingReason}` };
  return { tone: "bad", title: "Callers are not served", sentence: `${id} holds ${address}, but its Asterisk is ${says.serving}. ${says.servingReason}` };
}

/** Why no other node would take over; null when one would. */
function reliefOf(view: StatusView): string | null {
  if (view.policy.pause !== null) return "Automatic claims are paused.";
  const able = relievers(view);
  if (able.length === 0) return whyNobody(view);
  if (able.length === 1 && able[0] === view.node && view.ready.claim === false) return "This standby may not claim: the dry run failed.";
  return null;
}

function whyNobody(view: StatusView): string {
  const standbys = memberRows(view).filter(({ id, holds }) => !holds && (id === view.node ? view.kind === "node" : view.members.some((member) => member.id === id && member.kind === "node")));
  return standbys.length === 0 ? "There is no standby." : standbys.map(({ id, why }) => `${id}: ${why}`).join(" ");
}

/** The nodes other than the holder that could take over now. */
export function relievers(view: StatusView): readonly string[] {
  const able = (serving: string | undefined): boolean => serving === "serving" || serving === "degraded";
  const self = view.role === "standby" && able(view.health?.serving) && view.draining === null && !view.policy.blocked ? [view.node] : [];
  const others = view.members.filter(({ id, kind, hearing, says }) => kind === "node" && id !== view.address.holder && (hearing === "heard" || hearing === "late") && able(says?.serving) && says?.draining === false && !says.blocked);
  return [...self, ...others.map(({ id }) => id)];
}
