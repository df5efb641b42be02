/** When and on what a record was made. */
import { availableParallelism, cpus } from "node:os";
import process from "node:process";

/** Today, and this machine in a few words. */
export function measuredOn(): { readonly date: string; readonly machine: string } {
  return { date: new Date().toISOString().slice(0, 10), machine: `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? "unknown"}), Node ${process.version}` };
}
