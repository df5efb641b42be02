/**
 * Terraform's templatefile() for templates that only name values: `${name}`, and `$${` for a literal `${`. Templates with
 * directives are refused, so that what a test fills in is what Terraform fills in.
 */
import { readFileSync } from "node:fs";

/** Throws when the template names a value that is not given, or has more than names. */
export function fillTemplate(path: string | URL, values: Readonly<Record<string, string>>): string {
  const template = readFileSync(path, "utf8");
  if (/%\{/.test(template)) throw new Error(`${String(path)} has directives, which this can't fill in`);
  return template.replaceAll(/\$\$\{|\$\{([^}]*)\}/g, (whole, name: string | undefined) => {
    if (name === undefined) return "${";
    const value = values[name];
    if (value === undefined) throw new Error(`${String(path)} asks for ${whole}, which is not given`);
    return value;
  });
}

/** The names that a template asks for, each once. */
export function templateNames(path: string | URL): readonly string[] {
  return [...new Set([...readFileSync(path, "utf8").matchAll(/(?<!\$)\$\{([^}]*)\}/g)].map(([, name = ""]) => name))].sort();
}
