/**
 * The whole cluster on one screen of 80 columns: a row a member with the reason under it, then what limits claims, how long
 * a failover takes at worst, the last move, and what is wrong. What `nodectl status` and `nodectl watch` print.
 */
import { inWords } from "../core/in-words.ts";
import { memberRows, type MemberRow } from "./cluster-rows.ts";
import { clean, cut, instant, wrap } from "./layout.ts";
import type { StatusView } from "./schema.ts";
import { addressLine, conditionLines, laidOut, paint, PLAIN, type Line, type TextOptions } from "./text.ts";

interface Column {
  readonly head: string;
  readonly of: (row: MemberRow) => string;
  /** It may be cut so far when the screen is narrow; absent: never. */
  readonly least?: number;
}

const COLUMNS: readonly Column[] = [
  { head: "NODE", of: ({ id, here }) => (here ? `${id} *` : id), least: 10 },
  { head: "ZONE", of: ({ zone }) => zone, least: 4 },
  { head: "ROLE", of: ({ role }) => role },
  { head: "ADDRESS", of: ({ holds }) => (holds ? "holds" : "-") },
  { head: "SERVING", of: ({ serving }) => serving },
  { head: "CALLS", of: ({ calls }) => calls },
  { head: "HEARD", of: ({ heard }) => (heard === "" ? "-" : heard) },
  { head: "AGENT", of: ({ agent }) => agent, least: 6 },
  { head: "ASTERISK", of: ({ asterisk }) => asterisk, least: 7 },
];

const LABEL_WIDTH = 11;
const WHY_INDENT = "  ";

/** The lines, without line ends. */
export function clusterText(view: StatusView, options: TextOptions = PLAIN): string[] {
  const title = `${view.cluster}, ${view.address.publicIp ?? "address not known"}, as ${view.node} (*) sees it at ${instant(view.at)}`;
  const footer: readonly Line[] = [addressLine(view), pausedLine(view), blockedLine(view), holdDownLine(view), ...worstLine(view), lastMoveLine(view), { label: "waits for", text: view.waitsFor }, ...conditionLines(view)];
  return [paint(cut(clean(title), options.width), "bold", options), "", ...table(memberRows(view), options), "", ...footer.flatMap((line) => laidOut(line, LABEL_WIDTH, options))];
}

function table(rows: readonly MemberRow[], options: TextOptions): string[] {
  const cells = rows.map((row) => COLUMNS.map((column) => clean(column.of(row))));
  const widths = fitted(COLUMNS.map((column, index) => Math.max(column.head.length, ...cells.map((line) => line[index]?.length ?? 0))), options.width);
  const gap = " ".repeat(widths.reduce((sum, width) => sum + width + 2, -2) <= options.width ? 2 : 1);
  const lineOf = (texts: readonly string[]): string => texts.map((text, index) => cut(text, widths[index] ?? 0).padEnd(widths[index] ?? 0)).join(gap).trimEnd();
  const head = paint(lineOf(COLUMNS.map((column) => column.head)), "dim", options);
  return [head, ...rows.flatMap((row, index) => [lineOf(cells[index] ?? []), ...wrap(clean(row.why), options.width - WHY_INDENT.length).map((line) => paint(`${WHY_INDENT}${line}`, "dim", options))])];
}

/** Takes from the columns that may be cut, the widest first, until the table fits with single gaps. */
function fitted(wanted: readonly number[], width: number): readonly number[] {
  const widths = [...wanted];
  const total = (): number => widths.reduce((sum, each) => sum + each + 1, -1);
  while (total() > width) {
    const cuttable = widths.flatMap((each, index) => (each > (COLUMNS[index]?.least ?? Infinity) ? [index] : []));
    const widest = cuttable.toSorted((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0))[0];
    if (widest === undefined) break;
    widths[widest] = (widths[widest] ?? 1) - 1;
  }
  return widths;
}

function pausedLine({ policy: { pause } }: StatusView): Line {
  if (pause === null) return { label: "paused", text: "no" };
  return { label: "paused", text: `YES, on ${pause.setBy}, ${pause.leftMs === null ? "until nodectl resume" : `for ${inWords(pause.leftMs)} more`}: ${pause.reason}`, style: "yellow" };
}

function blockedLine({ policy, members, node }: StatusView): Line {
  const blocked = [...(policy.blocked ? [node] : []), ...members.filter(({ says }) => says?.blocked === true).map(({ id }) => id)];
  const claims = policy.claimsLastHour === 0 ? "" : ` (${policy.claimsLastHour} of ${policy.claimsPerHour} claims here in the last hour)`;
  return blocked.length === 0 ? { label: "blocked", text: `no${claims}` } : { label: "blocked", text: `YES: ${blocked.join(", ")}${claims}. Find out why the address moves, then nodectl ack there.`, style: "red" };
}

function holdDownLine({ policy }: StatusView): Line {
  return policy.holdDownLeftMs > 0 ? { label: "hold-down", text: `YES, for ${inWords(policy.holdDownLeftMs)}: no claim by quorum until then`, style: "yellow" } : { label: "hold-down", text: "no" };
}

function worstLine({ worstCase }: StatusView): Line[] {
  const [worst] = worstCase.toSorted((a, b) => b.ms - a.ms);
  if (worst === undefined) return [];
  const others = worstCase.filter((row) => row !== worst).map(({ what, ms }) => `${what} ${inWords(ms)}`);
  return [{ label: "worst case", text: `${inWords(worst.ms)} until the claim is sent (${worst.what})${others.length === 0 ? "" : `; ${others.join("; ")}`}` }];
}

function lastMoveLine({ moves }: StatusView): Line {
  const last = moves.at(-1);
  return { label: "last move", text: last === undefined ? "none known" : `${instant(last.at)} ${last.from} -> ${last.to}: ${last.reason}` };
}
