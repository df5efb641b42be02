// The templates and scripts of packer/, held against the programs that will read them.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { ensureImageTools } from "../support/image/image.ts";
import { REPOSITORY } from "../support/lab/roots.ts";
import { run } from "../support/lab/run.ts";

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

  it("come with scripts that shellcheck finds nothing in", async () => {
    assert.ok(scripts().length > 15, `${scripts().length} scripts found`);
    await run("shellcheck", ["--external-sources", "--source-path", REPOSITORY, ...scripts()], { timeoutMs: 120_000 });
  });
});
