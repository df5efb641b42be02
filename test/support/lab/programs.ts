// The lab's small processes, as one file of JavaScript each: bundled when first asked for, and started many times. Loading TypeScript
// takes a process several hundred milliseconds of CPU, and a lab has a dozen of them on two cores.
import { rmSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { build } from "esbuild";
import { CREATE_REQUIRE } from "../build-bundle.ts";
import { labDir, labName } from "./leftovers.ts";
import { REPOSITORY } from "./roots.ts";

/** As the folder of a lab of this process, so that it is removed with its labs if the process is killed. */
const FOLDER = labDir(labName(process.pid, 0));

const programs = new Map<string, Promise<string>>();

/**
 * The file to give to node for a program whose source is at `source` (below `test/`). Rejects, after esbuild has said why, when it
 * can't be bundled. Not for programs with ari-client as it is: the library's old code does not run in a module.
 */
export function labProgram(source: string): Promise<string> {
  const made = programs.get(source) ?? bundle(source);
  programs.set(source, made);
  return made;
}

async function bundle(source: string): Promise<string> {
  if (programs.size === 0) process.once("exit", () => rmSync(FOLDER, { recursive: true, force: true }));
  const outfile = join(FOLDER, `${basename(source, ".ts")}.mjs`);
  await build({ absWorkingDir: REPOSITORY, entryPoints: [join("test", source)], outfile, bundle: true, platform: "node", format: "esm", banner: { js: CREATE_REQUIRE }, target: "node20", mainFields: ["module", "main"], logLevel: "warning" });
  return outfile;
}
