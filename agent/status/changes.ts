/**
 * What differs between two looks at the cluster, as lines: for `nodectl watch` where there is no terminal to redraw. Ages and
 * latencies change all the time and are left out.
 */
import { memberRows } from "./cluster-rows.ts";
import { clean } from "./layout.ts";
import type { StatusView } from "./schema.ts";

/** Everything worth a line when it changes, by what it is about. */
function factsOf(view: StatusView): ReadonlyMap<string, string> {
  const { policy, address, claim } = view;
  const facts = new Map<string, string>([
    ["address", address.here ? view.node : address.holder],
    ["paused", policy.pause === null ? "no" : `on ${policy.pause.setBy}: ${policy.pause.reason}`],
    ["blocked", policy.blocked ? "yes" : "no"],
    ["hold-down", policy.holdDownLeftMs > 0 ? "yes" : "no"],
    ["claim", claim === null ? "none" : `${claim.cause}, ${claim.phase}`],
    ["last move", lastMove(view)],
  ]);
  for (const { id, role, serving, heard } of memberRows(view)) {
    // The mark of old news is told as silence, once, and not again for every field.
    const silent = role.endsWith("?");
    facts.set(`${id} is`, silent ? `silent (${heard === "never" ? "never heard" : `last seen as ${role.slice(0, -1)}`})` : role);
    if (!silent) facts.set(`${id} serving`, serving);
  }
  for (const { name, sentence } of view.conditions) facts.set(name, sentence.replaceAll(/\d+/g, "N"));
  return facts;
}

/** The lines, each with the time of the later look; empty when nothing has changed. */
export function changes(before: StatusView, after: StatusView): readonly string[] {
  const old = factsOf(before);
  const now = factsOf(after);
  const sentences = new Map(after.conditions.map(({ name, sentence }) => [name, sentence]));
  const begun = [...now].filter(([about, is]) => old.get(about) !== is).map(([about, is]) => `${about}: ${old.has(about) && !sentences.has(about) ? `${old.get(about) ?? ""} -> ` : ""}${sentences.get(about) ?? is}`);
  const ended = before.conditions.filter(({ name }) => !now.has(name)).map(({ name }) => `${name}: over`);
  return [...begun, ...ended].map((line) => clean(`${after.at} ${line}`));
}

function lastMove({ moves }: StatusView): string {
  const last = moves.at(-1);
  return last === undefined ? "none" : `${last.from} -> ${last.to} at ${last.at}: ${last.reason}`;
}
