/**
 * Terraform's own checks, where a Terraform is installed: formatting always; validation and the module's tests where its AWS
 * provider can be had without a download, from the folder that TERRAFORM_PLUGIN_DIR names. What could not run is said.
 */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { cp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { MODULE_NAMES, TERRAFORM_FOLDER } from "../support/hcl/read-hcl.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const run = promisify(execFile);
const asked = spawnSync("terraform", ["version"], { encoding: "utf8" });
const version = asked.error === undefined ? /Terraform v(\d+)\.(\d+)/.exec(asked.stdout) : null;
const plugins = process.env["TERRAFORM_PLUGIN_DIR"];

describe("Terraform itself", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const inModule = (name: string): { readonly cwd: string; readonly env: NodeJS.ProcessEnv } => ({ cwd: join(folder.path, "terraform", name), env: { ...process.env, CHECKPOINT_DISABLE: "1", TF_IN_AUTOMATION: "1", TF_CLI_CONFIG_FILE: join(folder.path, "none.tfrc") } });
  before(async () => {
    folder = await temporaryFolder();
    await cp(new URL("../../provisioning/", import.meta.url), folder.path, { recursive: true, filter: (source) => !source.includes(".terraform") });
    await writeFile(join(folder.path, "none.tfrc"), ""); // the machine's own settings for Terraform stay out of this
  });
  after(() => folder.remove());

  it("finds every file in its own format", async (t) => {
    if (version === null) {
      t.diagnostic("no terraform on this machine: formatting, validation and the module's tests did not run");
      return;
    }
    const { stdout } = await run("terraform", ["fmt", "-check", "-diff", "-recursive", TERRAFORM_FOLDER]);
    assert.equal(stdout, "");
  });

  it("finds modules and examples valid, and the module's own tests pass", async (t) => {
    if (version === null || plugins === undefined) {
      t.diagnostic("validation and the module's tests did not run: they need terraform and TERRAFORM_PLUGIN_DIR, a folder with the AWS provider");
      return;
    }
    // The examples take the modules in, so these are valid with them; the pair's own tests need an init of its own.
    for (const name of MODULE_NAMES.filter((one) => one !== "outside-check")) {
      await run("terraform", ["init", "-backend=false", "-input=false", `-plugin-dir=${plugins}`], inModule(name));
      await run("terraform", ["validate"], inModule(name));
    }
    if (Number(version[1]) === 1 && Number(version[2]) < 7) {
      t.diagnostic("the module's tests did not run: they need Terraform 1.7");
      return;
    }
    const { stdout } = await run("terraform", ["test", "-no-color"], { ...inModule("pair"), maxBuffer: 16_777_216 });
    assert.match(stdout, /Success! \d+ passed, 0 failed/);
  });
});
