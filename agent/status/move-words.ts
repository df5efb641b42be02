/** What the record of a move says beside its sentence: the same words in `nodectl history` and on the page. */
import { inWords } from "../core/in-words.ts";
import type { MoveRecord } from "../core/moves.ts";

/** One fact of a move under its name. */
export interface MoveDetail {
  readonly name: "verdicts" | "stages" | "dropped calls";
  readonly text: string;
}

/** On whose word it moved. */
export function causeInWords({ cause }: MoveRecord): string {
  return cause === "seen" ? "not made by this node" : `by ${cause}`;
}

/** Who saw what, how long each stage took, how many calls were cut; only what is known. */
export function moveDetails({ verdicts, cloud, stages, dropped }: MoveRecord): readonly MoveDetail[] {
  const seen = verdicts.map((each) => `${each.observer} ${each.verdict} (heartbeat ${each.heartbeat}, sip ${each.sip}, eip ${each.eip})`);
  const took = stagesInWords(stages);
  return [
    ...(seen.length === 0 ? [] : [{ name: "verdicts" as const, text: `${seen.join("; ")}; EC2 ${cloud ?? "unknown"}` }]),
    ...(took === null ? [] : [{ name: "stages" as const, text: took }]),
    ...(dropped === null ? [] : [{ name: "dropped calls" as const, text: String(dropped) }]),
  ];
}

function stagesInWords({ suspicionMs, decisionMs, claimMs, confirmMs }: MoveRecord["stages"]): string | null {
  const told = [["suspicion", suspicionMs], ["decision", decisionMs], ["EC2's answer", claimMs], ["confirmed", confirmMs]] as const;
  const known = told.flatMap(([name, ms]) => (ms === null ? [] : [`${name} ${inWords(ms)}`]));
  if (known.length === 0) return null;
  const total = told.reduce((sum, [, ms]) => sum + (ms ?? 0), 0);
  return `${known.join(", ")}; ${inWords(total)} in all`;
}
