/**
 * The members of the cluster as rows of one table, as this agent knows them: itself, and what the others last said. What
 * comes from a member that is silent now carries a question mark: it was true then.
 */
import { inWords } from "../core/in-words.ts";
import type { StatusView } from "./schema.ts";

/** One member. Texts are for people; `why` is a sentence. */
export interface MemberRow {
  readonly id: string;
  readonly here: boolean;
  readonly zone: string;
  readonly role: string;
  readonly holds: boolean;
  readonly serving: string;
  readonly why: string;
  readonly calls: string;
  /** Age of its last heartbeat; empty for ourselves. */
  readonly heard: string;
  readonly agent: string;
  readonly asterisk: string;
}

/** Nodes in rank order, then witnesses. */
export function memberRows(view: StatusView): readonly MemberRow[] {
  const rows = [{ kind: view.kind, row: ownRow(view) }, ...view.members.map((member) => ({ kind: member.kind, row: rowOf(member, view) }))];
  return rows.toSorted((a, b) => (a.kind === b.kind ? (a.row.id < b.row.id ? -1 : 1) : a.kind === "node" ? -1 : 1)).map(({ row }) => row);
}

function ownRow(view: StatusView): MemberRow {
  const { health } = view;
  const why = [health === null ? view.reason : health.reason, ...asks(health?.yielding ?? null), ...(view.draining === null ? [] : [`It refuses new calls: ${view.draining}`]), ...(view.policy.blocked ? [BLOCKED] : [])];
  return {
    id: view.node, here: true, zone: view.zone ?? "-", role: view.role, holds: view.address.here, serving: health?.serving ?? "-", why: why.join(" "),
    calls: health === null ? "-" : String(health.calls), heard: "", agent: view.software, asterisk: view.asterisk ?? "-",
  };
}

function rowOf(member: StatusView["members"][number], view: StatusView): MemberRow {
  const { id, says, ageMs, hearing } = member;
  const holds = view.address.holder === id;
  if (says === null || ageMs === null) return { id, here: false, zone: "-", role: member.kind === "witness" ? "witness?" : "?", holds, serving: "?", why: "Not heard since this agent started.", calls: "?", heard: "never", agent: "?", asterisk: "?" };
  const stale = hearing === "lost" || hearing === "never";
  const then = (text: string): string => (stale ? `${text}?` : text);
  const witness = member.kind === "witness";
  const deaf = says.hearsUs === "heard" || stale ? [] : [`It does not hear us (${says.hearsUs}).`];
  const why = [stale ? `SILENT for ${inWords(ageMs)}. Its last word: ${says.servingReason}` : witness ? witnessSees(says) : says.servingReason, ...(says.coldStart === null || stale ? [] : [says.coldStart]), ...asks(says.yield), ...(says.draining ? ["It refuses new calls (drain)."] : []), ...(says.blocked ? [BLOCKED] : []), ...deaf, ...(says.sameConfig ? [] : ["It is configured differently."])];
  return {
    id, here: false, zone: says.zone ?? "-", role: then(says.role), holds, serving: witness ? "-" : then(says.serving), why: why.join(" "),
    calls: witness ? "-" : then(String(says.calls)), heard: inWords(ageMs), agent: says.software, asterisk: says.asterisk ?? "-",
  };
}

const BLOCKED = "BLOCKED after too many claims (nodectl ack).";

function asks(why: string | null): readonly string[] {
  return why === null ? [] : [`It asks to be relieved: ${why}`];
}

function witnessSees(says: NonNullable<StatusView["members"][number]["says"]>): string {
  return says.verdict === null ? "It watches nobody." : `It sees ${says.verdict.about} ${says.verdict.verdict} (heartbeat ${says.verdict.heartbeat}, sip ${says.verdict.sip}, eip ${says.verdict.eip}).`;
}
