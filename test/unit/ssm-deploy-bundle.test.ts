/** The script of deploy-bundle.yaml, run as Systems Manager runs it, in a folder of its own and with a pretended pm2. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { parse } from "yaml";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { fillTemplate } from "../support/terraform-template.ts";

const run = promisify(execFile);
const DOCUMENT = new URL("../../provisioning/ssm/deploy-bundle.yaml", import.meta.url);
const URL_GIVEN = "https://bundles.example.com/agent-1.2.3.tar.gz";

interface Node {
  readonly folder: string;
  /** Rejects when the script fails. */
  deploy(sha256: string): Promise<void>;
  /** The version that is installed. */
  installed(): Promise<string>;
  readonly bundleSha256: string;
}

/** A node on which version "old" is installed, and a bundle with version "new". `health`: what curl's health check exits with. */
async function node(t: TestContext, health: 0 | 22): Promise<Node> {
  const temporary = await temporaryFolder();
  t.after(() => temporary.remove());
  const folder = temporary.path;
  const [bin, lib, made] = [join(folder, "bin"), join(folder, "lib"), join(folder, "made")];
  for (const one of [bin, join(lib, "asterisk-node-agent", "dist"), join(made, "dist")]) await mkdir(one, { recursive: true });
  await writeFile(join(lib, "asterisk-node-agent", "dist", "main.js"), "old");
  await writeFile(join(made, "dist", "main.js"), "new");
  const bundle = join(folder, "bundle.tar.gz");
  await run("tar", ["--create", "--gzip", "--file", bundle, "--directory", made, "dist"]);
  // The download copies the bundle; the health check answers as told. No waiting in a test.
  const commands = {
    curl: `case "$*" in *${URL_GIVEN}*) while [ "$1" != --output ]; do shift; done; cp '${bundle}' "$2";; *127.0.0.1:8091/health*) exit ${health};; *) exit 99;; esac`,
    pm2: `echo "$*" >>'${join(folder, "pm2.log")}'`,
    nodectl: "true",
    sleep: "true",
  };
  for (const [name, body] of Object.entries(commands)) await writeFile(join(bin, name), `#!/bin/sh\n${body}\n`, { mode: 0o700 });
  const { mainSteps } = parse(fillTemplate(DOCUMENT, { cluster_id: "demo" })) as { readonly mainSteps: readonly [{ readonly inputs: { readonly runCommand: readonly string[] } }] };
  const bundleSha256 = createHash("sha256").update(await readFile(bundle)).digest("hex");
  return {
    folder,
    bundleSha256,
    deploy: async (sha256) => {
      const script = mainSteps[0].inputs.runCommand.join("\n").replaceAll("{{ BundleUrl }}", URL_GIVEN).replaceAll("{{ BundleSha256 }}", sha256).replaceAll("/usr/lib/", `${lib}/`);
      await writeFile(join(folder, "script"), script, { mode: 0o700 });
      await run(join(folder, "script"), { env: { PATH: `${bin}:${process.env["PATH"] ?? ""}` } });
    },
    installed: () => readFile(join(lib, "asterisk-node-agent", "dist", "main.js"), "utf8"),
  };
}

const restarts = async (one: Node): Promise<number> => (existsSync(join(one.folder, "pm2.log")) ? (await readFile(join(one.folder, "pm2.log"), "utf8")).trim().split("\n").length : 0);

describe("deploying a bundle", { skip: process.platform === "linux" ? false : "it runs on Debian and uses its tools" }, () => {
  it("installs the new version, restarts the agent once, keeps the old version, and leaves nothing else", async (t) => {
    const one = await node(t, 0);
    await one.deploy(one.bundleSha256);
    assert.equal(await one.installed(), "new");
    assert.equal(await restarts(one), 1);
    assert.deepEqual((await readdir(join(one.folder, "lib"))).sort(), ["asterisk-node-agent", "asterisk-node-agent.previous"]);
  });

  it("changes nothing when the bundle is not the one that was meant", async (t) => {
    const one = await node(t, 0);
    await assert.rejects(one.deploy("0".repeat(64)));
    assert.equal(await one.installed(), "old");
    assert.equal(await restarts(one), 0);
    assert.deepEqual(await readdir(join(one.folder, "lib")), ["asterisk-node-agent"]);
  });

  it("puts the old version back when the new one does not become healthy", async (t) => {
    const one = await node(t, 22);
    await assert.rejects(one.deploy(one.bundleSha256), /the old one is put back/);
    assert.equal(await one.installed(), "old");
    assert.equal(await restarts(one), 2);
    assert.deepEqual(await readdir(join(one.folder, "lib")), ["asterisk-node-agent"]);
  });

  it("can be done twice", async (t) => {
    const one = await node(t, 0);
    await one.deploy(one.bundleSha256);
    await one.deploy(one.bundleSha256);
    assert.equal(await one.installed(), "new");
  });
});
