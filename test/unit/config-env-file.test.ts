import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { handOverAwsVariables, readEnvFile } from "../../agent/env-file.ts";
import { AgentError } from "../../agent/errors.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const refused = (says: RegExp) => (error: unknown): boolean => error instanceof AgentError && error.code === "AGENT_CONFIG_INVALID" && says.test(error.message);

async function folderFor(test: TestContext): Promise<string> {
  const folder = await temporaryFolder();
  test.after(() => folder.remove());
  return folder.path;
}

describe("the settings file", () => {
  it("is the one that AGENT_ENV_FILE names, before the installed one, before .env", async (t) => {
    const folder = await folderFor(t);
    const [named, installed, own] = ["named.env", "agent.env", ".env"].map((name) => join(folder, name)) as [string, string, string];
    for (const path of [named, installed, own]) writeFileSync(path, `NODE_ID=${path}\n`);
    assert.equal(readEnvFile({ AGENT_ENV_FILE: named }, folder, installed).values["NODE_ID"], named);
    assert.equal(readEnvFile({}, folder, installed).values["NODE_ID"], installed);
    assert.equal(readEnvFile({}, folder, join(folder, "absent")).path, own);
  });

  it("need not be there, unless it was named", async (t) => {
    const folder = await folderFor(t);
    assert.deepEqual(readEnvFile({}, folder, join(folder, "absent")), { path: null, values: {}, problems: [] });
    assert.throws(() => readEnvFile({ AGENT_ENV_FILE: join(folder, "absent") }, folder), refused(/which does not exist/));
    assert.throws(() => readEnvFile({ AGENT_ENV_FILE: "" }, folder), refused(/set but empty/));
  });

  it("is refused when it is there but can't be read", async (t) => {
    const folder = await folderFor(t);
    mkdirSync(join(folder, "folder.env"));
    assert.throws(() => readEnvFile({ AGENT_ENV_FILE: join(folder, "folder.env") }, folder), refused(/can't be read \(EISDIR\)/));
    const closed = join(folder, "closed.env");
    writeFileSync(closed, "NODE_ID=a\n");
    chmodSync(closed, 0o000);
    // Root reads everything, so there is nothing to refuse then.
    if (process.getuid?.() !== 0) assert.throws(() => readEnvFile({ AGENT_ENV_FILE: closed }, folder), refused(/can't be read \(EACCES\)/));
  });

  it("leaves the environment as it is", async (t) => {
    const folder = await folderFor(t);
    writeFileSync(join(folder, ".env"), "NODE_ID=from-file\nAWS_REGION=eu-central-1\n");
    const environment = { ...process.env };
    readEnvFile({}, folder, join(folder, "absent"));
    assert.deepEqual({ ...process.env }, environment);
  });

  it("has problems told that dotenv passes over: lines that are none, and names that come twice", async (t) => {
    const folder = await folderFor(t);
    const path = join(folder, ".env");
    writeFileSync(path, "# a comment\nNODE_ID=a\n\nNODE_ID = b\nexport LISTEN=1\nHOLD_DOWN_MS: 5\njust words\r\n  # another\n");
    assert.deepEqual(readEnvFile({}, folder, join(folder, "absent")).problems, [
      `${path}: NODE_ID is set twice (lines 2 and 4). Take one of them out.`,
      `${path}: line 6 is neither NAME=value nor a comment. Correct it, or put a # before it.`,
      `${path}: line 7 is neither NAME=value nor a comment. Correct it, or put a # before it.`,
    ]);
  });
});

describe("the SDK's own variables", () => {
  it("reach the environment where it has none, and nothing else does", () => {
    const environment: Record<string, string | undefined> = { AWS_REGION: "set-before" };
    handOverAwsVariables({ AWS_REGION: "from-file", AWS_ENDPOINT_URL: "http://127.0.0.1:5000", AWS_LOCAL_ADDRESS: "10.0.0.1", NODE_ID: "a" }, environment);
    assert.deepEqual(environment, { AWS_REGION: "set-before", AWS_ENDPOINT_URL: "http://127.0.0.1:5000" });
  });
});
