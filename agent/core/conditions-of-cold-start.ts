/** The conditions of a witness that starts a stopped standby. */
import { condition, type Condition } from "./condition-list.ts";
import { inWords } from "./in-words.ts";
import type { State } from "./state.ts";

export function coldStartConditions({ coldStart, members, nowMs }: State): readonly Condition[] {
  const { ready, readyFailure, failures, failure, started } = coldStart;
  const found: Condition[] = [];
  if (ready === false) found.push(condition("cold-start-not-ready", null, `The last dry run of starting a standby failed (${readyFailure?.code ?? "unknown"}: ${readyFailure?.message ?? ""}): this witness could not start it.`));
  if (failure !== null) found.push(condition("cold-start-failing", null, `${failures} start(s) of a stopped standby failed in a row (${failure.code}: ${failure.message}).`));
  const heardSince = started !== null && (members[started.node]?.heardAtMs ?? -Infinity) > started.atMs;
  if (started !== null && !heardSince) found.push(condition("cold-start", started.node, `${started.node} was started ${inWords(nowMs - started.atMs)} ago and has not been heard yet. ${started.reason}`));
  return found;
}
