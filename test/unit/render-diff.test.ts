// What `--diff` shows: a difference that patch(1) would take, and no secret, neither of the present nor of an earlier version.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { unifiedDifference } from "../../agent/render/difference.ts";
import { fillTemplate } from "../../agent/render/fill.ts";
import { shownAfter, shownBefore } from "../../agent/render/hide.ts";
import { parseTemplate } from "../../agent/render/template.ts";
import type { Value } from "../../agent/render/values.ts";

/** Applies a unified difference to lines; throws when it doesn't fit. */
function patched(before: readonly string[], difference: readonly string[]): readonly string[] {
  const result: string[] = [];
  let at = 0;
  for (const line of difference.slice(2)) {
    const hunk = /^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@$/.exec(line);
    if (hunk !== null) {
      const start = Number(hunk[1]) - (hunk[2] === "0" ? 0 : 1);
      result.push(...before.slice(at, start));
      at = start;
    } else if (line.startsWith("+")) result.push(line.slice(1));
    else {
      assert.equal(before[at], line.slice(1));
      if (line.startsWith(" ")) result.push(line.slice(1));
      at += 1;
    }
  }
  return [...result, ...before.slice(at)];
}

describe("a difference", () => {
  it("is empty for equal texts", () => {
    assert.deepEqual(unifiedDifference("a", ["x", "y"], ["x", "y"]), []);
  });

  it("looks as diff -u would show it", () => {
    const before = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14"];
    const after = ["1", "2", "3", "4", "five", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"];
    assert.deepEqual(unifiedDifference("x.conf", before, after), ["--- a/x.conf", "+++ b/x.conf", "@@ -2,7 +2,7 @@", " 2", " 3", " 4", "-5", "+five", " 6", " 7", " 8", "@@ -12,3 +12,4 @@", " 12", " 13", " 14", "+15"]);
  });

  it("shows a new file against nothing, and one that goes", () => {
    assert.deepEqual(unifiedDifference("x", null, ["a"]), ["--- /dev/null", "+++ b/x", "@@ -0,0 +1 @@", "+a"]);
    assert.deepEqual(unifiedDifference("x", ["a"], null), ["--- a/x", "+++ /dev/null", "@@ -1 +0,0 @@", "-a"]);
  });

  it("makes the one text of the other", () => {
    const lines = fc.array(fc.constantFrom("a", "b", "c", "", "d e"), { maxLength: 30 });
    fc.assert(fc.property(lines, lines, (before, after) => {
      const difference = unifiedDifference("x", before, after);
      assert.deepEqual(difference.length === 0 ? before : patched(before, difference), after);
    }));
  });

  it("copes with texts that have nothing in common and are long", () => {
    const [before, after] = [Array.from({ length: 3_000 }, (_, n) => `a${n}`), Array.from({ length: 3_000 }, (_, n) => `b${n}`)];
    assert.deepEqual(patched(before, unifiedDifference("x", before, after)), after);
  });
});

describe("hiding", () => {
  const TEMPLATE = "[agent]\npassword = {{hash}}\n{{#trunks}}\n[{{name}}]\nclient_uri = sip:{{username}}@{{server}}\n odd {{password}} line\n{{/trunks}}\nport = {{port}}\n";
  const value = (text: string, secret: boolean): Value => ({ text, source: "x", secret });
  const made = (hash: string, username: string, password: string): { readonly lines: ReturnType<typeof fillTemplate>["lines"]; readonly template: ReturnType<typeof parseTemplate>["template"]; readonly text: string; readonly name: string } => {
    const { template } = parseTemplate(TEMPLATE);
    const { lines } = fillTemplate("x.conf", template, { single: { hash: value(hash, true), port: value("5", false) }, lists: { trunks: [{ name: value("c1", false), server: value("sip.example", false), username: value(username, true), password: value(password, true) }] } });
    return { name: "x.conf", template, lines, text: lines.map((line) => line.text).join("\n") };
  };
  const old = made("$6$rounds=1000$salt$oldhash", "49301111", "old-word");
  const fresh = made("$6$rounds=1000$salt$newhash", "49302222", "new-word");
  const SECRETS = ["oldhash", "newhash", "49301111", "49302222", "old-word", "new-word"];
  const difference = (text: string): string => unifiedDifference("x", shownBefore(text, fresh, ["49302222", "new-word"]), shownAfter(fresh)).join("\n");

  it("shows of unchanged secrets that they are unchanged", () => {
    assert.equal(difference(fresh.text), "");
  });

  it("shows of changed secrets that they change, and nothing else", () => {
    const shown = difference(old.text);
    for (const secret of SECRETS) assert.ok(!shown.includes(secret), `${secret} in\n${shown}`);
    for (const line of ["-password = <hidden, another>", "+password = <hidden hash>", "-client_uri = sip:<hidden, another>@…", "+client_uri = sip:<hidden username>@sip.example", "- odd <hidden, another> line"]) assert.ok(shown.includes(line), `${line} not in\n${shown}`);
    assert.equal(shown, difference(old.text), "the markers are the same every time");
  });

  it("hides what looks like a secret in a file that no template explains", () => {
    const text = ["password=hunter2", "secret => hunter2", "DB_PASSWORD = hunter2", "md5_cred = hunter2", "username = 49301111", "from_user=49301111", "server_uri = sip:49301111@x", "x = $6$abc$hunter2", "note: new-word", "; plain"].join("\n");
    const shown = shownBefore(text, null, ["new-word"]).join("\n");
    for (const secret of ["hunter2", "49301111", "new-word"]) assert.ok(!shown.includes(secret), shown);
    assert.match(shown, /^; plain$/m);
  });

  it("shows the rest", () => {
    assert.deepEqual(shownBefore("password_format = crypt\nport = 6", null, []), ["password_format = crypt", "port = 6"]);
  });
});
