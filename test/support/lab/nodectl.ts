// nodectl on a node of the lab, as an operator types it there: the built command, with the node's own STATE_DIR.
import { join } from "node:path";
import type { NodeName } from "./addresses.ts";
import type { Pair } from "./pair.ts";
import { REPOSITORY } from "./roots.ts";
import type { RunResult } from "./run.ts";

/** Runs it to its end; exit codes 0 to 2 are nodectl's own, and the caller's to judge. */
export function nodectl(pair: Pair, node: NodeName, ...args: readonly string[]): Promise<RunResult> {
  const state = join(pair.lab.dir, "state", node);
  return pair.lab.run(node, "env", [`STATE_DIR=${state}`, "NO_COLOR=1", process.execPath, "--no-warnings", join(REPOSITORY, "dist", "nodectl.js"), ...args], { accept: [0, 1, 2], timeoutMs: 120_000 });
}
