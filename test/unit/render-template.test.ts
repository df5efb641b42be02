// Templates, values and what may stand where: all in memory.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fillTemplate } from "../../agent/render/fill.ts";
import { breakOut } from "../../agent/render/safety.ts";
import { parseTemplate } from "../../agent/render/template.ts";
import type { Value, Values } from "../../agent/render/values.ts";

const value = (text: string, secret = false): Value => ({ text, source: "the secret's field", secret });
const VALUES: Values = {
  single: { node_id: value("node-a"), password: value("s3cret", true), app: { missing: "set INCOMING_APP" } },
  lists: { trunks: [{ name: value("one"), password: value("first", true) }, { name: value("two"), password: value("second", true) }], tls: [] },
};

function fill(text: string, file = "pjsip.conf", values = VALUES): { readonly text: string; readonly shown: string; readonly problems: readonly string[] } {
  const { template, problems } = parseTemplate(text);
  const filled = fillTemplate(file, template, values);
  return { text: filled.lines.map((line) => line.text).join("\n"), shown: filled.lines.map((line) => line.shown).join("\n"), problems: [...problems, ...filled.problems].map(({ line, says }) => `${line}: ${says}`) };
}

describe("a template", () => {
  it("gets its values, wherever and however often they stand", () => {
    assert.deepEqual(fill("a = {{node_id}}, {{node_id}}\n; plain\n"), { text: "a = node-a, node-a\n; plain\n", shown: "a = node-a, node-a\n; plain\n", problems: [] });
  });

  it("repeats a list's lines for every entry, whose fields come before the values of the same name", () => {
    const { text, shown } = fill("x\n{{#trunks}}\n[{{name}}]\np = {{password}}\nn = {{node_id}}\n{{/trunks}}\np = {{password}}\n");
    assert.equal(text, "x\n[one]\np = first\nn = node-a\n[two]\np = second\nn = node-a\np = s3cret\n");
    assert.equal(shown, "x\n[one]\np = <hidden password>\nn = node-a\n[two]\np = <hidden password>\nn = node-a\np = <hidden password>\n");
  });

  it("leaves an empty list out, without a trace", () => {
    assert.equal(fill("a\n{{#tls}}\nb = {{certificate_file}}\n{{/tls}}\nc\n").text, "a\nc\n");
  });

  it("keeps Asterisk's own braces and variables", () => {
    const line = "exten => _X.,1,Set(a=${${B}})\n same => n,GotoIf($[\"${X}\" = \"{\"]?{}:})";
    assert.deepEqual(fill(line, "extensions.conf"), { text: line, shown: line, problems: [] });
  });

  it("names file line, placeholder and remedy of what nobody gives", () => {
    assert.deepEqual(fill("ok\nx = {{nonsense}}\ny = {{app}}\n{{#carriers}}\n{{/carriers}}").problems, [
      "2: {{nonsense}}: there is no such value",
      "3: {{app}}: nobody gives this value; set INCOMING_APP",
      "4: {{#carriers}}: there is no such list",
    ]);
  });

  it("does not take the properties of an object for values", () => {
    assert.equal(fill("{{constructor}} {{toString}}\n{{#valueOf}}\n{{/valueOf}}").problems.length, 3);
  });

  it("is refused when its marks don't fit together", () => {
    for (const text of ["{{#trunks}}\nx", "x\n{{/trunks}}", "{{#trunks}}\n{{#tls}}\n{{/tls}}\n{{/trunks}}", "{{#trunks}}\n{{/tls}}", "a = {{node_id", "a = {{ node_id }}", "a = {{#trunks}} b", "a = {{}}"]) assert.notDeepEqual(fill(text).problems, [], text);
  });

  it("does not fill in what a value brings along", () => {
    assert.equal(fill("a = {{node_id}}", "x.conf", { ...VALUES, single: { node_id: value("{{password}}") } }).text, "a = {{password}}");
  });
});

describe("a value", () => {
  const inOption = { file: "res_odbc.conf", before: "password = ", after: "" };
  const refused = (text: string, place: Partial<typeof inOption> = {}): boolean => breakOut(text, { ...inOption, ...place }) !== null;

  it("may be an ordinary password, with most of the keyboard", () => {
    for (const text of ["s3cret", "Zürich 9", "a=b", "x>y", "a,b|c", "it's", '"quoted"', "50%", "${X}", "$[1]".replace(/[[\]]/g, ""), "a\\b", "!@$%^&*()-_=+{}:<>?,./~`|"]) assert.equal(breakOut(text, inOption), null, text);
  });

  it("never ends its line, begins a comment, a directive or a section", () => {
    for (const text of ["a\nb", "a\rb", "a\0b", "a\u2028b", "a\u0085b", "a;b", ";--", "#exec", "a#b", "[x]", "a]", "x[", "tab\there"]) assert.ok(refused(text), JSON.stringify(text));
  });

  it("is not changed by Asterisk in silence: no spaces at its ends, no backslash before what follows, not empty", () => {
    for (const text of [" a", "a ", "\u00a0a", "a\\", ""]) assert.ok(refused(text), JSON.stringify(text));
    assert.ok(refused(">x", { before: "password =" }));
    assert.ok(!refused(">x"));
  });

  it("is a name where it names a section, an option or a file", () => {
    for (const place of [{ before: "[", after: "]" }, { before: "[trunk-", after: "](base)" }, { before: "#include ", after: "" }, { before: "", after: " = yes" }]) {
      assert.ok(!refused("abc-1", place), JSON.stringify(place));
      for (const text of ["a b", "a(b", "a,b", "a=b"]) assert.ok(refused(text, place), `${text} in ${JSON.stringify(place)}`);
    }
  });

  it("is no code in the dialplan or in a query", () => {
    for (const file of ["extensions.conf", "extensions_local.conf", "func_odbc.conf", "roles/active/extensions.conf"]) {
      for (const text of ["${SHELL(id)}", "a,b", "a)", "$[1+1]", '"', "a&b", "a|b", "a b"]) assert.ok(refused(text, { file, before: " same => n,Stasis(" }), `${text} in ${file}`);
      assert.ok(!refused("call-centre_1.x", { file, before: " same => n,Stasis(" }));
    }
  });

  it("stays the part of a SIP address that it is", () => {
    for (const text of ["a@b", "a>b", "a b", "a?b", 'a"b', "a/b", "a,b"]) assert.ok(refused(text, { file: "pjsip.conf", before: "client_uri = sip:" }), text);
    assert.ok(!refused("%2B4930123", { file: "pjsip.conf", before: "client_uri = sip:", after: "@x" }));
    assert.ok(!refused("sip.example.com:5061", { file: "pjsip.conf", before: "contact = sip:" }));
  });

  it("has no quotes in ODBC's files", () => {
    for (const text of ['a"b', "a'b", "{a}"]) assert.ok(refused(text, { file: "odbc.ini", before: "PASSWORD = " }), text);
  });

  it("is never repeated in the complaint", () => {
    const complaint = fill("p = {{p}}", "x.conf", { ...VALUES, single: { p: value("hunter2;x", true) } }).problems.join();
    assert.match(complaint, /^1: \{\{p\}\}, from the secret's field, has one of ; # \[ \]/);
    assert.ok(!complaint.includes("hunter2"));
  });
});
