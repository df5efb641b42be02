/** What switchover and takeover share: the question before the address moves, and the outcome after. */
import type { Survey } from "../operator-desk.ts";
import { clusterLines } from "./cluster-lines.ts";
import { CliError, EXIT, type Terminal } from "./verb.ts";

export interface OrderOptions {
  readonly socket: string;
  readonly reason: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** @throws CliError when the operator says no, or can't be asked */
export async function agreed(question: string, { yes, json }: OrderOptions, terminal: Terminal): Promise<void> {
  if (yes === true) return;
  if (json === true || terminal.confirm === undefined) throw new CliError("This moves the address, and there is nobody to ask here: give --yes.", EXIT.usage);
  if (!(await terminal.confirm(question))) throw new CliError("Nothing was changed.");
}

/** Prints the outcome. @throws CliError when it failed */
export function finishOrder(ended: { readonly ok: boolean; readonly message: string }, before: Survey, after: Survey, { json }: OrderOptions, terminal: Terminal): void {
  if (json === true) terminal.out(JSON.stringify({ ...ended, before, after }));
  else if (after !== before) for (const line of clusterLines("after", after)) terminal.out(line);
  if (!ended.ok) throw new CliError(ended.message);
  if (json !== true) terminal.out(ended.message);
}
