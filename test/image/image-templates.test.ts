// The templates and scripts of packer/, held against the programs that will read them.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { before, describe, it } from "node:test";
import { ensureImageTools } from "../support/image/image.ts";
import { REPOSITORY } from "../support/lab/roots.ts";
import { run } from "../support/lab/run.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const PACKER = join(REPOSITORY, "packer");

/** Every shell script below packer/, whatever its name. */
function scripts(): readonly string[] {
  const entries = readdirSync(PACKER, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return entries.filter((file) => file.endsWith(".sh") || /^#!.*\b(ba)?sh\b/.test(readFileSync(file, "utf8").slice(0, 40)));
}

describe("the templates of the image", { timeout: 600_000 }, () => {
  before(async () => {
    await ensureImageTools((line) => process.stderr.write(`image: ${line}\n`));
  });

  it("are formatted and valid, as Debian's Packer 1.6.6 reads them", async () => {
    const { stdout, stderr } = await run(join(PACKER, "host/build.sh"), ["validate"], { timeoutMs: 120_000 });
    assert.doesNotMatch(stdout + stderr, /error/i);
  });

  it("refuse to open the build machine's SSH to the world", async () => {
    await assert.rejects(run(join(PACKER, "host/build.sh"), ["validate", "-var", "build_from_cidr=0.0.0.0/0"], { timeoutMs: 120_000 }));
  });

  it("build for EC2 only from an address that was named, and with a Packer that can require version 2 of the metadata service", async () => {
    const folder = await temporaryFolder();
    // Never a real one, which would build.
    await writeFile(join(folder.path, "packer"), "#!/bin/sh\necho Packer v1.6.6\n", { mode: 0o755 });
    const build = (...args: readonly string[]): Promise<unknown> => run("env", [`PATH=${folder.path}:${process.env["PATH"] ?? ""}`, join(PACKER, "host/build.sh"), "amazon-ebs", ...args], { timeoutMs: 60_000 });
    await assert.rejects(build("-var", "region=eu-central-1"), /Add -var build_from_cidr=ADDRESS\/32/);
    await assert.rejects(build("-var", "build_from_cidr=203.0.113.7/32"), /This Packer is too old to require IMDSv2/);
    await folder.remove();
  });

  it("come with scripts that shellcheck finds nothing in", async () => {
    assert.ok(scripts().length > 15, `${scripts().length} scripts found`);
    await run("shellcheck", ["--external-sources", "--source-path", REPOSITORY, ...scripts()], { timeoutMs: 120_000 });
  });
});
