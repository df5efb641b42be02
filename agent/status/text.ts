/**
 * Status for people: about a dozen lines of at most 80 columns, the same in `nodectl status` and at /text. In
 * order of what is asked at night: what is this node, why, can it take calls, where is the address, what do the others
 * say, what does it wait for, what is wrong.
 */
import { inWords } from "../core/in-words.ts";
import { clean, cut, instant, wrap } from "./layout.ts";
import type { StatusView } from "./schema.ts";

export interface TextOptions {
  readonly width: number;
  readonly colour: boolean;
}

export const PLAIN: TextOptions = { width: 80, colour: false };
/** The column of labels grows with the members' names, up to a limit. */
const LABEL_WIDTH_MIN = 11;
const LABEL_WIDTH_MAX = 25;
const HISTORY_SHOWN = 3;
const CONDITIONS_SHOWN = 4;
const ANSI = { bold: "1", red: "31", yellow: "33", dim: "2" } as const;

/** A label and what follows it. */
export interface Line {
  readonly label: string;
  readonly text: string;
  readonly style?: keyof typeof ANSI;
}

/** The lines, without line ends. */
export function statusText(view: StatusView, options: TextOptions = PLAIN): string[] {
  const lines: Line[] = [
    { label: "why", text: view.reason },
    ...healthLine(view),
    addressLine(view),
    ...view.members.map((member) => ({ label: member.id, text: memberText(member) })),
    ...votesLine(view),
    ...limitsLine(view),
    { label: "waits for", text: view.waitsFor },
    ...historyLines(view),
    ...worstCaseLine(view),
    ...conditionLines(view),
  ];
  const labelWidth = Math.min(LABEL_WIDTH_MAX, Math.max(LABEL_WIDTH_MIN, ...view.members.map((member) => member.id.length + 1)));
  const title = `${view.node} of ${view.cluster}: ${view.role.toUpperCase()} for ${inWords(view.roleForMs)}, since ${instant(view.since)}`;
  return [paint(cut(clean(title), options.width), "bold", options), ...lines.flatMap((line) => laidOut(line, labelWidth, options))];
}

function healthLine({ health, asterisk }: StatusView): Line[] {
  if (health === null) return [];
  return [{ label: "asterisk", text: `${health.serving}${asterisk === null ? "" : ` (${asterisk})`} for ${inWords(health.forMs)}, ${health.calls} call(s). ${health.reason}` }];
}

/** Where the address is, and how fresh that knowledge is. */
export function addressLine({ address, kind }: StatusView): Line {
  const where = `${address.publicIp ?? "not known"} on ${address.here ? "this node" : address.holder}`;
  const candidate = address.candidate === null ? "" : `; one read showed ${address.candidate}`;
  const read = address.readAgeMs === null ? (kind === "witness" ? ", as the nodes say" : "; not read since the start or the last doubt") : `; EC2 was read ${inWords(address.readAgeMs)} ago`;
  const failure = address.failure === null ? "" : `; ${address.failures} read(s) failed since (${address.failure.code})`;
  return { label: "address", text: `${where}${candidate}${read}${failure}` };
}

function memberText({ hearing, ageMs, rttMs, says, kind, callsKnown }: StatusView["members"][number]): string {
  if (says === null || ageMs === null) return `${kind}, not heard yet`;
  const silent = hearing === "heard" || hearing === "late" ? `${hearing} ${inWords(ageMs)} ago${rttMs === null ? "" : ` (rtt ${rttMs} ms)`}` : `SILENT for ${inWords(ageMs)}, last seen as ${says.role}`;
  if (hearing === "lost") return silent;
  const hears = says.hearsUs === "heard" ? "hears us" : `hears us: ${says.hearsUs}`;
  const asterisk = kind === "witness" ? "" : `; Asterisk ${says.serving}`;
  const calls = callsKnown === 0 ? "" : `; ${callsKnown} of its calls known here`;
  return `${says.role}, ${silent}, ${hears}${asterisk}${calls}${says.yield === null ? "" : "; asks to be relieved"}`;
}

function votesLine({ votes }: StatusView): Line[] {
  if (votes === null) return [];
  const own = votes.own.channels.map((channel) => `${channel.name} ${channel.verdict}${channel.proven ? "" : " (unproven)"}`).join(", ");
  const others = [...votes.witnesses.map((vote) => `${vote.observer} ${vote.verdict}${vote.counted ? "" : " (absent)"}`), `EC2 ${votes.cloud.verdict}`].join(", ");
  const suspected = votes.suspectedForMs === null ? "" : `; suspected for ${inWords(votes.suspectedForMs)}, ${votes.downs} of ${votes.observers} say down`;
  return [{ label: "votes", text: `${votes.target} is ${votes.own.verdict} (${own}); ${others}${suspected}` }];
}

function limitsLine({ policy }: StatusView): Line[] {
  const said = [
    ...(policy.pause === null ? [] : [`paused${policy.pause.leftMs === null ? "" : ` for ${inWords(policy.pause.leftMs)}`} on ${policy.pause.setBy}`]),
    ...(policy.blocked ? ["BLOCKED until nodectl ack"] : []),
    ...(policy.holdDownLeftMs > 0 ? [`hold-down for ${inWords(policy.holdDownLeftMs)}`] : []),
    ...(policy.claimsLastHour > 0 ? [`${policy.claimsLastHour} of ${policy.claimsPerHour} claims in the last hour`] : []),
    ...(policy.retryInMs > 0 ? [`next try in ${inWords(policy.retryInMs)}`] : []),
  ];
  return said.length === 0 ? [] : [{ label: "limits", text: said.join("; ") }];
}

function historyLines({ transitions }: StatusView): Line[] {
  return transitions
    .slice(-HISTORY_SHOWN)
    .toReversed()
    .map(({ at, from, to, row }, index) => ({ label: index === 0 ? "history" : "", text: `${instant(at)} ${from} -> ${to} (${row})` }));
}

function worstCaseLine({ worstCase }: StatusView): Line[] {
  return worstCase.length === 0 ? [] : [{ label: "worst case", text: worstCase.map(({ what, ms }) => `${what} ${inWords(ms)}`).join("; ") }];
}

/** What is wrong, the worst first. */
export function conditionLines({ conditions }: StatusView): Line[] {
  const shown = conditions.slice(0, CONDITIONS_SHOWN).map((each): Line => ({ label: each.severity === "error" ? "ERROR" : "warning", text: `${each.name}: ${each.sentence}`, style: each.severity === "error" ? "red" : "yellow" }));
  const more = conditions.length - shown.length;
  return more > 0 ? [...shown, { label: "", text: `and ${more} more: nodectl status --json` }] : shown;
}

/** One entry, its label in a column of its own. */
export function laidOut({ label, text, style }: Line, labelWidth: number, options: TextOptions): string[] {
  const wrapped = wrap(clean(text), options.width - labelWidth);
  const name = cut(clean(label), labelWidth - 1).padEnd(labelWidth);
  return wrapped.map((part, index) => (index === 0 ? paint(name, style ?? "dim", options) : " ".repeat(labelWidth)) + (style === undefined ? part : paint(part, style, options)));
}

export function paint(text: string, style: keyof typeof ANSI, options: TextOptions): string {
  return options.colour ? `\u001b[${ANSI[style]}m${text}\u001b[0m` : text;
}
