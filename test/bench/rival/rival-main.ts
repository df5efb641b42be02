/** Command: the comparison by itself; `npm run bench -- --rival keepalived` runs the same. */
import { join } from "node:path";
import { Command } from "commander";
import { describeMachine, machineInWords } from "../machine.ts";
import { measureRival } from "./measure-rival.ts";

const command = new Command("rival")
  .option("--runs <n>", "how many times each fault is made for each contender", Number, 5)
  .option("--faults <names>", "a comma list of faults", (text: string) => text.split(","), [])
  .option("--folder <folder>", "where the page is written", join(import.meta.dirname, ".."))
  .action(async (options: { readonly runs: number; readonly faults: readonly string[]; readonly folder: string }) => {
    const machine = machineInWords(await describeMachine(true));
    process.stdout.write(`${await measureRival({ ...options, machine, say: (line) => process.stderr.write(`${line}\n`) })}\n`);
  });
await command.parseAsync();
