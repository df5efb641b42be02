// The configuration that `nodectl render` makes is what a real Asterisk starts with; a render that fails leaves it as it was; and
// an Asterisk that starts with what is left is a good one.
import assert from "node:assert/strict";
import { readFile, readdir, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { KNOWN_MODULES } from "../../agent/render/reload.ts";
import { withPair } from "../support/lab/pair-checks.ts";
import { waitUntil } from "../support/wait-until.ts";

async function texts(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile() && /\.(?:conf|ini)$/.test(entry.name));
  return Object.fromEntries(await Promise.all(entries.map(async (entry) => [join(entry.parentPath, entry.name), await readFile(join(entry.parentPath, entry.name), "utf8")] as const)));
}

describe("nodectl render", { timeout: 300_000 }, () => {
  it("makes what Asterisk starts with: from Secrets Manager, EC2 and the metadata, readable by Asterisk, with the standby's role", async () => {
    await withPair({ database: true }, async (pair) => {
      await pair.steady("node-a");
      for (const [name, { asterisk }] of pair.nodes) {
        const folder = asterisk.etcDir;
        const files = await texts(folder);
        assert.match(files[join(folder, "asterisk.conf")] ?? "", new RegExp(`^systemname = ${name}$`, "m"));
        assert.match(files[join(folder, "ari.conf")] ?? "", /^password = \$6\$rounds=1000\$/m);
        for (const text of Object.values(files)) assert.ok(!text.includes(pair.secret.ari_password), "the ARI password is in a file");
        const facts = await stat(join(folder, "ari.conf"));
        assert.deepEqual([facts.mode & 0o777, facts.gid], [0o640, (await stat(folder)).gid]);
        const errors = (await asterisk.messages()).filter((line) => /\bERROR\b/.test(line));
        assert.deepEqual(errors, []);
      }
      assert.match(await pair.render("node-a"), /nothing to change/);
      const reloads: (readonly [string, number])[] = [];
      for (const module of KNOWN_MODULES) reloads.push([module, (await pair.node("node-b").asterisk.ari("PUT", `/asterisk/modules/${module}`, { timeoutMs: 10_000 })).status]);
      assert.deepEqual(reloads.filter(([, status]) => status !== 204), [], "every module that a file names can be reloaded");
      assert.match(await readlink(join(pair.node("node-b").asterisk.etcDir, "role")), /^roles\/standby$/);
    });
  });

  it("without Secrets Manager fails clearly and keeps the last good render, with which Asterisk starts again", async () => {
    await withPair({ knobs: { RENDER_WITHIN_MS: "3000" } }, async (pair) => {
      await pair.steady("node-a");
      const { asterisk } = pair.node("node-b");
      const before = await texts(asterisk.etcDir);
      await pair.putSecret({ ...pair.secret, ari_password: "another-password" });
      await pair.aws("addFault", { action: "GetSecretValue", outcome: "deny" });
      await assert.rejects(pair.render("node-b"), /AGENT_SECRET_UNREADABLE[\s\S]*Nothing was changed: the last good configuration stays/);
      assert.deepEqual(await texts(asterisk.etcDir), before);
      await asterisk.kill();
      await asterisk.start();
      await asterisk.waitBooted();
      await waitUntil("node-b to serve", async () => (await pair.status("node-b")).health?.serving === "serving", 60_000);
    });
  });
});
