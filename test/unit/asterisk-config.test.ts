// What can be said of Asterisk's configuration without an Asterisk: templates, their list of placeholders and the README tell the
// same, nothing has a password, and the ban filter reads the security log as fail2ban would.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, it } from "node:test";
import { REPOSITORY } from "../support/lab/roots.ts";
import { fillIn, templateFiles } from "../support/lab/render-config.ts";

const FOLDER = join(REPOSITORY, "asterisk-config");
const read = (name: string): string => readFileSync(join(FOLDER, name), "utf8");
const README = read("README.md");

interface Source { readonly from: string; readonly where: string; readonly is: string }
const PLACEHOLDERS = JSON.parse(read("placeholders.json")) as {
  readonly values: Readonly<Record<string, Source>>;
  readonly lists: Readonly<Record<string, { readonly when: string; readonly fields: Readonly<Record<string, Source>> }>>;
};

/** Every placeholder as `name`, or `list.name` inside a list, and every list as `#list`. */
function used(text: string): readonly string[] {
  const inLists: string[] = [];
  const outside = text.replaceAll(/^\{\{#(\w+)\}\}\n([\s\S]*?)^\{\{\/\1\}\}\n/gm, (_, list: string, body: string) => {
    const fields = [...body.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? "");
    const known = PLACEHOLDERS.lists[list]?.fields ?? {};
    inLists.push(`#${list}`, ...fields.map((field) => (field in known ? `${list}.${field}` : field)));
    return "";
  });
  return [...inLists, ...[...outside.matchAll(/\{\{(\W?\w+)\}\}/g)].map((match) => match[1] ?? "")];
}

const listed = [
  ...Object.keys(PLACEHOLDERS.values),
  ...Object.entries(PLACEHOLDERS.lists).flatMap(([list, { fields }]) => [`#${list}`, ...Object.keys(fields).map((field) => `${list}.${field}`)]),
];

describe("Asterisk's configuration", () => {
  it("uses exactly the placeholders that placeholders.json lists", async () => {
    const found = new Set((await templateFiles(FOLDER)).flatMap((name) => used(read(name))));
    assert.deepEqual([...found].sort(), [...listed].sort());
  });

  it("has every placeholder in the README's table", () => {
    const names = listed.filter((name) => !name.startsWith("#")).map((name) => name.split(".").at(-1) ?? "");
    for (const name of names) assert.ok(README.includes(`\`${name}\``), `README.md says nothing of ${name}`);
    for (const list of Object.keys(PLACEHOLDERS.lists)) assert.ok(README.includes(`list \`${list}\``), `README.md says nothing of the list ${list}`);
  });

  it("has a line in the README for every file, and none for any that is not there", () => {
    const listed = [...README.slice(README.indexOf("## The files"), README.indexOf("## Where the values")).matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell = ""]) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ""));
    const entries = readdirSync(FOLDER, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => relative(FOLDER, join(entry.parentPath, entry.name)));
    // Folders whose files have a line together.
    const rowOf = (name: string): string => ["roles/active/", "roles/leaving/", "roles/standby/", "sql/", "fail2ban/"].find((folder) => name.startsWith(folder)) ?? name;
    assert.deepEqual([...new Set(listed)].sort(), [...new Set(entries.filter((name) => name !== "README.md").map(rowOf))].sort());
    assert.deepEqual(listed.length, new Set(listed).size, "a file has two lines");
    for (const role of ["active", "leaving", "standby"]) for (const name of readdirSync(join(FOLDER, "roles", role))) assert.ok(README.includes(`\`role/${name}\``), `README.md says nothing of roles/${role}/${name}`);
  });

  it("begins every file with what it is for", async () => {
    for (const name of await templateFiles(FOLDER)) assert.match(read(name), /^; [A-Z].{10}/, name);
  });

  it("has no password, and none by default", async () => {
    for (const name of await templateFiles(FOLDER)) {
      for (const [line] of read(name).matchAll(/^\s*(?:password|secret|md5_cred)\s*=.*$/gm)) assert.match(line, /= \{\{\w+\}\}$/, `${name}: ${line}`);
    }
  });

  it("leaves lists out when they have no entries, and repeats them when they have several", () => {
    const template = "a = {{x}}\n{{#list}}\nb = {{y}} {{x}}\n{{/list}}\nc = 1\n";
    assert.equal(fillIn("t", template, { x: "1", list: [] }), "a = 1\nc = 1\n");
    assert.equal(fillIn("t", template, { x: "1", list: [{ y: "2" }, { y: "3" }] }), "a = 1\nb = 2 1\nb = 3 1\nc = 1\n");
    assert.throws(() => fillIn("t", template, { list: [] }), /wants \{\{x\}\}/);
    assert.throws(() => fillIn("t", template, { x: "1" }), /wants the list/);
  });

  it("names every module once, and says of each whether a call needs it", () => {
    const lines = read("modules.conf").split("\n").filter((line) => line !== "" && !line.startsWith(";") && !line.startsWith("["));
    assert.equal(lines.shift(), "autoload = no");
    for (const line of lines) assert.match(line, /^(?:load|require) = [a-z0-9_]+\.so$/);
    const names = lines.map((line) => line.replace(/^.* = /, ""));
    assert.equal(new Set(names).size, names.length);
  });

  it("turns every difference between the roles with one link", async () => {
    const files = await templateFiles(FOLDER);
    assert.ok(files.includes("roles/active/pjsip_registrations.conf"));
    assert.ok(!files.includes("roles/standby/pjsip_registrations.conf"), "the standby has no registrations");
    const body = (name: string): string => read(name).replace(/^;.*\n/gm, "");
    assert.equal(body("roles/leaving/pjsip_registrations.conf"), body("roles/active/pjsip_registrations.conf"), "what differed would be registered anew by who leaves");
    assert.equal(body("roles/leaving/extconfig_aors.conf"), body("roles/standby/extconfig_aors.conf"));
    assert.deepEqual(files.filter((name) => /^password = \{\{password\}\}$/m.test(read(name)) && read(name).includes("{{#trunks}}")), ["roles/active/pjsip_trunk_auths.conf"], "only the active knows a carrier's password");
    for (const name of files.filter((each) => !/^roles\/(?:active|leaving)\/pjsip_registrations\.conf$/.test(each))) assert.doesNotMatch(read(name), /^\[[^\]]*\]\(trunk-registration\)/m, `${name} registers`);
    assert.match(read("roles/standby/extconfig_aors.conf"), /^ps_aors => odbc,asterisk,ps_aors_standby$/m);
    assert.doesNotMatch(read("pjsip.conf"), /^qualify_frequency = [1-9]/m, "what is in a file is qualified by both nodes");
  });
});

describe("the database's migrations", () => {
  const names = readdirSync(join(FOLDER, "sql")).sort();

  it("are numbered from 001 without a gap", () => {
    assert.deepEqual(names.map((name) => name.slice(0, 4)), names.map((_, index) => `${String(index + 1).padStart(3, "0")}-`));
  });

  it("may be applied again, on MySQL too", () => {
    for (const name of names) {
      const statements = read(`sql/${name}`).replaceAll(/^--.*$/gm, "");
      assert.doesNotMatch(statements, /CREATE TABLE (?!IF NOT EXISTS)/, name);
      assert.doesNotMatch(statements, /CREATE VIEW/, name);
      assert.doesNotMatch(statements, /(?:ADD|DROP) (?:COLUMN|INDEX|KEY) IF/, `${name}: MySQL has no such thing`);
      assert.doesNotMatch(statements, /CREATE USER|IDENTIFIED/, `${name}: users are the operator's`);
    }
  });

  it("give the standby every column of ps_aors, and no qualification", () => {
    const table = /CREATE TABLE IF NOT EXISTS ps_aors \(([\s\S]*?)\n\)/.exec(read("sql/001-phones.sql"))?.[1] ?? "";
    const columns = [...table.matchAll(/^ {2}([a-z_]+) /gm)].map((match) => match[1] ?? "");
    const view = [...(/SELECT([\s\S]*?)FROM/.exec(read("sql/002-standby-view.sql"))?.[1] ?? "").matchAll(/(\w+),?\n/g)].map((match) => match[1] ?? "");
    assert.deepEqual(view, columns);
    assert.match(read("sql/002-standby-view.sql"), /\b0 AS qualify_frequency/);
  });
});

describe("the ban filter", () => {
  // fail2ban's own marks, as what they stand for.
  const text = /^failregex = (.*)$/m.exec(read("fail2ban/filter.d/asterisk-node.conf"))?.[1] ?? "";
  const failregex = new RegExp(text.replace("<ADDR>", "(?<address>[0-9a-fA-F:.]+)"));
  const line = (event: string, account = "100", address = "198.51.100.7"): string =>
    `[2026-11-21T03:41:21.704+0000] SECURITY[31] res_security_log.c: SecurityEvent="${event}",EventTV="2026-11-21T03:41:21.704+0000",Severity="${event === "ChallengeSent" ? "Informational" : "Error"}",Service="PJSIP",EventVersion="1",AccountID="${account}",SessionID="a@b",LocalAddress="IPV4/UDP/10.0.1.10/5060",RemoteAddress="IPV4/UDP/${address}/5080",Challenge="x"`;

  it("counts whoever fails to log in", () => {
    for (const event of ["InvalidAccountID", "InvalidPassword", "ChallengeResponseFailed", "FailedACL"]) assert.equal(failregex.exec(line(event))?.groups?.["address"], "198.51.100.7");
  });

  it("counts nobody who was only challenged, or succeeded", () => {
    for (const event of ["ChallengeSent", "SuccessfulAuth"]) assert.equal(failregex.exec(line(event)), null);
  });

  it("never bans a private address, whichever name the jail has for it", () => {
    const jail = read("fail2ban/jail.d/asterisk-node.conf");
    for (const network of ["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]) assert.match(jail, new RegExp(`^ignoreip = .*${network.replaceAll(".", "\\.")}`, "m"));
    assert.match(jail, /^port = 5060,5061$/m, "the heartbeat port is none of its business");
  });
});
