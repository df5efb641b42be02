/** The tables: the members side by side, and what each observer sees of the active. They say all that matters without a script. */
import type { StatusView } from "../schema.ts";
import { html, type Markup } from "./markup.ts";
import { ago, HEARING_WORDS, latency, sign, toneOfHearing, toneOfServing, toneOfVerdict } from "./words.ts";

type Member = StatusView["members"][number];
type Votes = NonNullable<StatusView["votes"]>;

/** Members as columns: so that it fits a phone. This one first. */
export function membersTable(view: StatusView): Markup {
  const rows: readonly (readonly [string, Markup | string, (member: Member) => Markup | string])[] = [
    ["Role", html`<b>${view.role}</b> for ${ago(view.roleForMs)}`, ({ says, hearing }) => (says === null ? "not known" : hearing === "lost" ? `was ${says.role}` : html`<b>${says.role}</b>`)],
    ["Elastic IP", view.address.here ? "★ holds it" : "–", ({ id }) => (view.address.holder === id ? "★ holds it" : "–")],
    ["Asterisk", ownAsterisk(view), asteriskOf],
    ["Calls", view.health === null ? "–" : String(view.health.calls), ({ says, kind, hearing }) => (kind === "witness" || says === null || hearing === "lost" ? "–" : String(says.calls))],
    ["Heartbeat", "–", ({ hearing, ageMs, rttMs }) => html`${sign(toneOfHearing(hearing), HEARING_WORDS[hearing])}<small>${hearing === "heard" ? `round trip ${latency(rttMs)}` : hearing === "never" ? "" : `last ${ago(ageMs)} ago`}</small>`],
    ["Hears this one", "–", ({ says, hearing }) => (says === null || hearing === "lost" ? "not known" : sign(toneOfHearing(says.hearsUs), HEARING_WORDS[says.hearsUs]))],
    ["Versions", versions(view.software, view.asterisk), ({ says }) => (says === null ? "–" : html`${versions(says.software, says.asterisk)}${says.sameConfig ? null : html`<small class="warn">▲ other settings</small>`}`)],
  ];
  const heads = [html`<th scope="col">${view.node}<small>this ${view.kind}</small></th>`, ...view.members.map(({ id, kind }) => html`<th scope="col">${id}<small>${kind}</small></th>`)];
  const body = rows.map(([name, own, of]) => html`<tr><th scope="row">${name}</th><td>${own}</td>${view.members.map((member) => html`<td>${of(member)}</td>`)}</tr>`);
  return html`<div class="scroll" role="region" tabindex="0" aria-labelledby="members-caption"><table><caption id="members-caption">Members of the cluster ${view.cluster}</caption><thead><tr><td></td>${heads}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function ownAsterisk({ health }: StatusView): Markup | string {
  return health === null ? "has none" : html`${sign(toneOfServing(health.serving), health.serving)}<small>${health.reason}</small>`;
}

function asteriskOf({ kind, says, hearing }: Member): Markup | string {
  if (kind === "witness") return "has none";
  if (says === null || hearing === "lost") return sign("none", "not known");
  return html`${sign(toneOfServing(says.serving), says.serving)}<small>${says.yield === null ? says.servingReason : `Asks to be relieved: ${says.yield}`}</small>`;
}

function versions(software: string, asterisk: string | null): Markup {
  return html`agent ${software}${asterisk === null ? null : html`<small>Asterisk ${asterisk}</small>`}`;
}

/** Observers as rows, channels as columns. An active has nobody to watch; then its peers' view of it is shown. */
export function observersTable(view: StatusView): Markup {
  const { votes } = view;
  const target = votes?.target ?? (view.address.here ? view.node : null);
  if (target === null) return html`<p class="quiet">No node holds the address, so nobody is watched.</p>`;
  const rows = [...(votes === null ? [] : [ownRow(view.node, votes)]), ...otherRows(view, target), ...(votes === null ? [] : [cloudRow(votes)])];
  return html`<div class="scroll" role="region" tabindex="0" aria-labelledby="observers-caption"><table><caption id="observers-caption">What each observer sees of ${target}, the active</caption><thead><tr><th scope="col">Observer</th><th scope="col">Heartbeat</th><th scope="col">SIP</th><th scope="col"><abbr title="SIP to the Elastic IP, the way callers come">EIP</abbr></th><th scope="col">Verdict</th></tr></thead><tbody>${rows.length === 0 ? html`<tr><td colspan="5">Nobody else is heard.</td></tr>` : rows}</tbody></table></div>${votes === null ? null : countOf(votes)}`;
}

function ownRow(node: string, { own }: Votes): Markup {
  const cells = own.channels.map(({ verdict, okAgeMs, misses, proven }) => html`<td>${sign(toneOfVerdict(verdict), verdict)}<small>${!proven ? "unproven" : misses !== null && misses > 0 ? `${misses} missed, ok ${ago(okAgeMs)} ago` : okAgeMs === null ? "" : `${ago(okAgeMs)} ago`}</small></td>`);
  return html`<tr><th scope="row">${node}<small>this one</small></th>${cells}<td><b>${sign(toneOfVerdict(own.verdict), own.verdict)}</b></td></tr>`;
}

/** The witnesses that are counted, and standbys, whose word this member has heard. */
function otherRows(view: StatusView, target: string): readonly Markup[] {
  const counted = new Map(view.votes?.witnesses.map((vote) => [vote.observer, vote]));
  return view.members.filter(({ id }) => id !== target).map(({ id, kind, hearing, ageMs, says }) => {
    const vote = counted.get(id);
    const said = says?.verdict?.about === target && hearing !== "lost" ? says.verdict : null;
    const channels = [said?.heartbeat, said?.sip, said?.eip].map((verdict) => html`<td>${verdict === undefined ? "–" : sign(toneOfVerdict(verdict), verdict)}</td>`);
    const verdict = vote?.verdict ?? said?.verdict ?? "unknown";
    const remark = vote?.counted === false ? "absent, not counted" : `told ${ago(vote?.ageMs ?? ageMs)}${(vote?.ageMs ?? ageMs) === null ? "" : " ago"}`;
    return html`<tr><th scope="row">${id}<small>${kind}</small></th>${channels}<td>${sign(toneOfVerdict(verdict), verdict)}<small>${remark}</small></td></tr>`;
  });
}

function cloudRow({ cloud }: Votes): Markup {
  return html`<tr><th scope="row">EC2</th><td colspan="3">${cloud.reason}</td><td>${sign(toneOfVerdict(cloud.verdict), cloud.verdict)}</td></tr>`;
}

function countOf({ downs, observers, majority, suspectedForMs, references }: Votes): Markup {
  const suspected = suspectedForMs === null ? "Nothing is suspected." : `Suspected for ${ago(suspectedForMs)}: ${downs} of ${observers} say down, ${majority ? "a majority" : "no majority"}.`;
  const refs = references.map(({ side, answers }) => `${side} reference ${answers === null ? "not asked yet" : answers ? "answers" : "does not answer"}`);
  return html`<p class="quiet">${suspected} Our own network: ${refs.join(", ")}.</p>`;
}
