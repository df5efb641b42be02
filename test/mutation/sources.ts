/** Makes the texts that worlds are built of: every file of the core by itself, and the tests in bundles that ask for them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, transform, type Plugin } from "esbuild";
import { LAYERS } from "./layers.ts";
import { CORE, FIXED, type Sources } from "./world.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CORE_FOLDER = join(ROOT, "agent/core");

/** Unit tests that say something of the core's decisions. */
const UNIT_TESTS = /^(?:core-[\w-]+|conditions)\.test\.ts$/;

const ENTRIES: Readonly<Record<string, () => string>> = {
  unit: () => testsIn("test/unit", UNIT_TESTS),
  scenarios: () => testsIn("test/scenarios", /^scenarios\.test\.ts$/),
  simulation: () => 'export { runCampaign } from "./test/simulation/campaign.ts";\nexport { shrink } from "./test/simulation/shrink.ts";\nexport { replay } from "./test/simulation/story.ts";',
  settings: () => 'export * from "./test/simulation/settings.ts";',
};

/** Text of a file of the core, as it is on disk. */
export function coreText(file: string): string {
  return readFileSync(join(CORE_FOLDER, file), "utf8");
}

/** A module of the core, mutated or not, as it is loaded. Rejects when it is no TypeScript. */
export async function coreCode(text: string): Promise<string> {
  return (await transform(text, { loader: "ts", format: "cjs", target: "node20" })).code;
}

/** Everything that worlds are made of. */
export async function makeSources(names: readonly string[] = LAYERS): Promise<Sources> {
  const files = readdirSync(CORE_FOLDER).filter((name) => name.endsWith(".ts"));
  const core = Object.fromEntries(await Promise.all(files.map(async (file) => [file, await coreCode(coreText(file))] as const)));
  const bundles = Object.fromEntries(await Promise.all([...names, "settings"].map(async (name) => [name, await bundle(name)] as const)));
  return { core, bundles };
}

function testsIn(folder: string, which: RegExp): string {
  const files = readdirSync(join(ROOT, folder)).filter((name) => which.test(name)).toSorted();
  return [...files.map((name) => `import "./${folder}/${name}";`), 'export { runAll } from "./test/mutation/collected-tests.ts";'].join("\n");
}

async function bundle(name: string): Promise<string> {
  const contents = ENTRIES[name]?.() ?? "";
  const { outputFiles } = await build({ stdin: { contents, resolveDir: ROOT, loader: "ts" }, bundle: true, write: false, platform: "node", format: "cjs", target: "node20", packages: "external", logLevel: "error", plugins: [partings(name)] });
  return outputFiles[0]?.text ?? "";
}

/** Where a bundle ends: at the core, which is mutated, at the settings, which are parsed once, and at node's test runner. */
function partings(name: string): Plugin {
  return {
    name: "partings",
    setup: (pack) => {
      pack.onResolve({ filter: /^node:test$/ }, () => ({ path: join(ROOT, "test/mutation/collected-tests.ts") }));
      pack.onResolve({ filter: /\/core\/[\w-]+\.ts$/ }, ({ path }) => ({ path: `${CORE}${path.split("/").at(-1) ?? ""}`, external: true }));
      if (name !== "settings") pack.onResolve({ filter: /\/(?:simulation\/)?settings\.ts$/ }, ({ importer, path }) => (/simulation/.test(importer) || /simulation\//.test(path) ? { path: `${FIXED}settings`, external: true } : null));
      pack.onLoad({ filter: /\.ts$/ }, ({ path }) => ({ contents: readFileSync(path, "utf8").replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href)), loader: "ts" }));
    },
  };
}
