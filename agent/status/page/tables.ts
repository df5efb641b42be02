/** The tables: the members side by side, and what each observer sees of the active. They say all that matters without a script. */
import { memberRows, type MemberRow } from "../cluster-rows.ts";
import type { StatusView } from "../schema.ts";
import { html, type Content, type Markup } from "./markup.ts";
import { ago, HEARING_WORDS, latency, sign, toneOfHearing, toneOfServing, toneOfVerdict, when } from "./words.ts";

type Member = StatusView["members"][number];
type Votes = NonNullable<StatusView["votes"]>;

/** The rows of `nodectl status`. On a phone each row becomes a card: hence the roles, which a changed display would take away. */
export function membersTable(view: StatusView): Markup {
  const heads = ["Member", "Role", "Serving", "Calls", "Heartbeat", "Versions"].map((name) => html`<th role="columnheader" scope="col">${name}</th>`);
  const rows = memberRows(view).map((row) => memberRow(row, view));
  return html`<div class="scroll" role="region" tabindex="0" aria-labelledby="members-caption"><table class="cards" role="table"><caption id="members-caption">Members of the cluster ${view.cluster}. With a question mark: it is silent, and this was its last word.</caption><thead role="rowgroup"><tr role="row">${heads}</tr></thead><tbody role="rowgroup">${rows}</tbody></table></div>`;
}

function memberRow(row: MemberRow, view: StatusView): Markup {
  const member = view.members.find(({ id }) => id === row.id) ?? null;
  const kind = member === null ? `this ${view.kind}` : member.kind;
  const cells: readonly (readonly [string, Content])[] = [
    ["Role", [html`<b class="${row.holds ? "holds" : ""}">${row.holds ? "★ " : ""}${row.role}</b>`, row.holds ? html`<small>holds the address</small>` : null, member === null ? html`<small>for ${ago(view.roleForMs)}</small>` : null]],
    ["Serving", [row.serving === "-" ? "–" : sign(toneOfServing(row.serving), row.serving), html`<small>${row.why}</small>`]],
    ["Calls", dashed(row.calls)],
    ["Heartbeat", member === null ? "–" : heartbeatOf(member)],
    ["Versions", html`agent ${dashed(row.agent)}${row.asterisk === "-" ? null : html`<small>Asterisk ${row.asterisk}</small>`}`],
  ];
  return html`<tr role="row"><th role="rowheader" scope="row">${row.id} <small>${kind}${row.zone === "-" ? "" : `, ${row.zone}`}</small></th>${cells.map(([name, content]) => html`<td role="cell" data-name="${name}"><div>${content}</div></td>`)}</tr>`;
}

function dashed(text: string): string {
  return text === "-" ? "–" : text;
}

function heartbeatOf({ hearing, ageMs, rttMs, says }: Member): Markup {
  const detail = hearing === "heard" ? `round trip ${latency(rttMs)}` : hearing === "never" ? "" : `last ${when(ageMs)}`;
  const back = says === null || hearing === "lost" || hearing === "never" || says.hearsUs === "heard" ? "" : `; it does not hear us (${HEARING_WORDS[says.hearsUs]})`;
  return html`${sign(toneOfHearing(hearing), HEARING_WORDS[hearing])}<small>${detail}${back}</small>`;
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
  const cells = own.channels.map(({ verdict, okAgeMs, misses, proven }) => html`<td>${sign(toneOfVerdict(verdict), verdict)}<small>${!proven ? "unproven" : misses !== null && misses > 0 ? `${misses} missed, ok ${when(okAgeMs)}` : okAgeMs === null ? "" : when(okAgeMs)}</small></td>`);
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
    const remark = vote?.counted === false ? "absent, not counted" : `told ${when(vote?.ageMs ?? ageMs)}`;
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
