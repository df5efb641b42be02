/** Command: renders files into a folder and kills itself with SIGKILL before the step of that number. Arguments: folder, step, text. */
import process from "node:process";
import { commit, hashOf } from "../../agent/render/commit.ts";
import { holdTarget } from "../../agent/render/render.ts";

const [folder = "", stepText = "0", text = ""] = process.argv.slice(2);
let count = 0;
const write = ["a.conf", "b.conf", "roles/active/c.conf"].map((name) => ({ name, text: `${name} ${text}\n`.repeat(10_000) }));
const manifest = { format: 1 as const, secretVersion: text, files: Object.fromEntries(write.map((file) => [file.name, hashOf(file.text)])), reload: [] };

await holdTarget(folder, AbortSignal.timeout(10_000), ({ disk }) => commit(folder, { write, remove: [], manifest }, disk), () => {
  count += 1;
  if (count === Number(stepText)) process.kill(process.pid, "SIGKILL");
});
process.stdout.write(`${count}\n`);
