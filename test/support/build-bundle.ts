/**
 * Command: makes dist/main.js (the agent), dist/stasis-app.js and dist/nodectl.js, each one file with everything in it and a source map beside
 * it. One file starts fast from a cold disk, and no half-updated node_modules folder can stand in the way of a claim.
 * (With a folder as its argument, there instead of in dist.)
 * Both are ES modules, as the sources are; the old CommonJS libraries inside them get the `require` that they expect.
 * (ari-client must be inside too: the HTTP that we put under it, see ari-transport.ts, has to reach the one swagger-client
 * that it uses. What that library needs in strict mode, swagger-globals.ts gives it.)
 */
import { chmod, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import { loadAssets } from "../../agent/status/page/assets.ts";
import { bundleDiet } from "./bundle-diet.ts";

const REPOSITORY = join(fileURLToPath(import.meta.url), "../../..");

/** The old CommonJS libraries inside an ES module still ask for `require`. */
export const CREATE_REQUIRE = 'import { createRequire as createRequireOfBundle } from "node:module"; const require = createRequireOfBundle(import.meta.url);';

/** Fails the build on a warning: with a bundle, a warning is an error that waits for the one code path that nobody tries. */
const strict: Plugin = {
  name: "strict",
  setup(steps) {
    steps.onEnd(({ warnings }) => ({ errors: warnings }));
  },
};

/** Writes the bundles to `folder`, which is emptied first. Rejects, after esbuild has printed why, when one can't be made. */
export async function buildBundle(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await build({
    absWorkingDir: REPOSITORY,
    entryPoints: { main: "agent/main.ts", nodectl: "agent/cli.ts", "stasis-app": "agent/stasis-app/main.ts" },
    outdir: folder,
    bundle: true,
    platform: "node",
    format: "esm",
    banner: { js: CREATE_REQUIRE },
    // The page's script and style travel inside: beside the bundle there is nothing to read.
    define: { BUNDLED_PAGE_ASSETS: JSON.stringify(loadAssets()) },
    // The oldest Node that the agent promises to run on.
    target: "node20",
    // The libraries' ES modules first: of those, only what is used gets into the bundle.
    mainFields: ["module", "main"],
    // Node keeps a program's text in memory, comments and all; the source map shows our own code as it was written.
    minifyWhitespace: true,
    sourcemap: "linked",
    sourcesContent: false,
    // The licences of what is inside stay with it, in a file beside it.
    legalComments: "linked",
    plugins: [bundleDiet, strict],
    logLevel: "warning",
  });
  await chmod(join(folder, "nodectl.js"), 0o755);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await buildBundle(process.argv[2] ?? join(REPOSITORY, "dist"));
}
