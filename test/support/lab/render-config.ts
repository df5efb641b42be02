// Fills in the templates of `asterisk-config/` for tests: the same syntax as the product's own renderer, without its care for
// half-written files and bad values. `{{name}}` is a value; `{{#list}} … {{/list}}`, each on a line of its own, is a part that is
// repeated for every entry of a list (and left out for none), in which the entry's own fields are values too.
import { lstat, mkdir, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "./run.ts";

export type TemplateFields = Readonly<Record<string, string>>;
export type TemplateValues = Readonly<Record<string, string | readonly TemplateFields[]>>;

/** Parts that a test leaves out unless it asks for them. */
const NO_LISTS: TemplateValues = { tls: [], database: [], trunks: [] };

const BLOCK = /^\{\{#(\w+)\}\}\n([\s\S]*?)^\{\{\/\1\}\}\n/gm;
const NAME = /\{\{(\w+)\}\}/g;

/** Files which land in /etc/asterisk, as paths below `asterisk-config/`. The others (sql/, fail2ban/, README) are for people and images. */
export async function templateFiles(from: string): Promise<string[]> {
  const names: string[] = [];
  for (const folder of ["", "roles/active", "roles/leaving", "roles/standby"]) {
    for (const name of await readdir(join(from, folder))) if (/\.(conf|ini)$/.test(name)) names.push(join(folder, name));
  }
  return names.sort();
}

/** One template's text with all values in it. Throws on a name that has no value. */
export function fillIn(name: string, template: string, values: TemplateValues): string {
  const blocks = template.replaceAll(BLOCK, (_, key: string, body: string) => {
    const list = values[key];
    if (!Array.isArray(list)) throw new Error(`${name} wants the list {{#${key}}}, which the lab doesn't know: add it in render-config.ts`);
    return list.map((entry: TemplateFields) => fillIn(name, body, { ...values, ...entry })).join("");
  });
  return blocks.replaceAll(NAME, (_, key: string) => {
    const value = values[key];
    if (typeof value !== "string") throw new Error(`${name} wants {{${key}}}, which the lab doesn't know: add it in asterisk.ts`);
    return value;
  });
}

/**
 * Renders all templates into a folder. `ari_password` (plain) is enough: its hash is made here, for both ARI users unless
 * `stasis_password` is given too. The link `role` is set to the standby's files if there is none yet.
 */
export async function renderConfig(from: string, to: string, values: TemplateValues): Promise<void> {
  const all = { ...NO_LISTS, ...(await hashes(values)), ...values };
  for (const name of await templateFiles(from)) {
    const text = fillIn(name, await readFile(join(from, name), "utf8"), all);
    const temporary = join(to, dirname(name), `.${name.split("/").at(-1) ?? ""}`);
    await mkdir(dirname(temporary), { recursive: true });
    await writeFile(temporary, text, { mode: 0o640 });
    await rename(temporary, join(to, name));
  }
  const link = join(to, "role");
  if (!(await lstat(link).then(() => true, () => false))) await symlink("roles/standby", link);
}

async function hashes(values: TemplateValues): Promise<TemplateFields> {
  const { ari_password: ari, stasis_password: stasis } = values;
  if (typeof ari !== "string") return {};
  return { ari_password_hash: await cryptSha512(ari), stasis_password_hash: await cryptSha512(typeof stasis === "string" ? stasis : ari) };
}

/** The password as ari.conf wants it: SHA-512 crypt with the fewest rounds (ari.conf says why). */
async function cryptSha512(password: string, salt = "labsaltlabsalt"): Promise<string> {
  return (await run("openssl", ["passwd", "-6", "-salt", `rounds=1000$${salt}`, "-stdin"], { input: password })).stdout.trim();
}
