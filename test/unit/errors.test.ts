import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AgentError, ERRORS } from "../../agent/errors.ts";
import { sourceFiles } from "../support/source-files.ts";

const CODE = /\bAGENT_[A-Z_]+\b/g;
/** Looks like a code but is the variable that names the settings file. */
const NO_CODES = new Set(["AGENT_ENV_FILE"]);

describe("the table of errors", () => {
  it("says of each code what it means and what to do, in whole sentences", () => {
    for (const [code, { meaning, remedy }] of Object.entries(ERRORS)) {
      assert.match(code, /^AGENT_[A-Z]+(?:_[A-Z]+)*$/);
      for (const text of [meaning, remedy]) assert.match(text, /^[A-Z].*[.?]$/, `${code}: ${text}`);
    }
  });

  it("has no meaning twice, because two codes for one thing are one too many", () => {
    const meanings = Object.values(ERRORS).map(({ meaning }) => meaning);
    assert.equal(new Set(meanings).size, meanings.length);
  });

  const used = new Map(sourceFiles("agent").filter(({ path }) => path !== "agent/errors.ts").flatMap(({ path, text }) => [...text.matchAll(CODE)].map((match) => [match[0], path] as const)));

  it("has every code that the agent's sources name", () => {
    const known = new Set<string>(Object.keys(ERRORS));
    assert.deepEqual([...used].filter(([code]) => !known.has(code) && !NO_CODES.has(code)), []);
  });

  it("has no code that no source names", () => {
    assert.deepEqual(Object.keys(ERRORS).filter((code) => !used.has(code)), []);
  });
});

describe("an AgentError", () => {
  it("carries its code, its message and its cause", () => {
    const cause = new Error("underneath");
    const error = new AgentError("AGENT_CLOUD_TIMEOUT", "no answer", cause);
    assert.equal(error.name, "AgentError");
    assert.equal(error.code, "AGENT_CLOUD_TIMEOUT");
    assert.equal(error.message, "no answer");
    assert.equal(error.cause, cause);
  });

  it("has no cause where none was given, rather than an undefined one", () => {
    assert.ok(!Object.hasOwn(new AgentError("AGENT_CLOUD_TIMEOUT", "no answer"), "cause"));
  });
});
