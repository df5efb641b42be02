// Where this machine gets its own Debian packages from. The lab asks the machine instead of naming a mirror, so it works
// behind a company mirror, on a cloud image or in CI, and follows the machine's own apt settings (proxy, date checks).
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./run.ts";

const DEFAULT_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

export interface AptMirror {
  /** Base address of the archive, as apt writes it. */
  readonly url: string;
  /** Keyring file that its Release files are checked with. */
  readonly keyring: string;
}

interface Source {
  readonly url: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly keyring: string | null;
}

/** Finds the archive of this machine's own release. Throws when there is none (not Debian, or no sources). */
export async function readAptMirror(etc = "/etc"): Promise<AptMirror> {
  const release = await readFile(join(etc, "os-release"), "utf8");
  const codename = /^VERSION_CODENAME=(.+)$/m.exec(release)?.[1]?.replaceAll('"', "") ?? "sid";
  for (const source of await readSources(etc)) {
    // The main archive is the one that serves the bare release name; "-security" and foreign sources don't.
    if (!source.suites.includes(codename) || !source.components.includes("main")) continue;
    return { url: source.url, keyring: source.keyring ?? DEFAULT_KEYRING };
  }
  throw new Error(`No apt source of this machine serves "${codename} main". The lab builds its Debian roots from the machine's own mirror: add one under ${etc}/apt.`);
}

/** The machine's own apt settings which decide whether its mirror is believed and how it is reached, as apt.conf lines. */
export async function readAptSettings(): Promise<string> {
  const { stdout } = await run("apt-config", ["dump"]);
  const kept = /^Acquire::(Check-Valid-Until|Check-Date|https?::Proxy\S*|Languages\S*|Retries) ".*";$/;
  return stdout.split("\n").filter((line) => kept.test(line)).join("\n") + "\n";
}

async function readSources(etc: string): Promise<Source[]> {
  const folder = join(etc, "apt/sources.list.d");
  const names = (await readdir(folder).catch(() => [])).sort();
  const files = [join(etc, "apt/sources.list"), ...names.map((name) => join(folder, name))];
  const sources: Source[] = [];
  for (const file of files) {
    const text = await readFile(file, "utf8").catch(() => "");
    if (file.endsWith(".sources")) sources.push(...parseDeb822(text));
    else if (file.endsWith(".list")) sources.push(...parseOneLine(text));
  }
  return sources;
}

/** The format of `*.sources` files: stanzas of `Key: value`, values over several lines, `#` comments anywhere. */
export function parseDeb822(text: string): Source[] {
  const stanzas = text.split("\n").filter((line) => !line.startsWith("#")).join("\n").split(/\n\s*\n/);
  return stanzas.flatMap((stanza) => {
    const fields = new Map<string, string>();
    for (const match of stanza.replaceAll(/\n[ \t]+/g, " ").matchAll(/^([A-Za-z-]+):[ \t]*(.*)$/gm)) {
      fields.set((match[1] ?? "").toLowerCase(), (match[2] ?? "").trim());
    }
    const words = (key: string) => (fields.get(key) ?? "").split(/\s+/).filter((word) => word !== "");
    if (!words("types").includes("deb") || fields.get("enabled") === "no") return [];
    const keyring = fields.get("signed-by") ?? "";
    return words("uris").map((url) => ({
      url,
      suites: words("suites"),
      components: words("components"),
      keyring: keyring.startsWith("/") ? keyring : null,
    }));
  });
}

/** The format of `*.list` files: `deb [options] url suite component...`, one source a line. */
export function parseOneLine(text: string): Source[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line);
    if (match === null) return [];
    const [, options = "", url = "", suite = "", components = ""] = match;
    const keyring = /signed-by=(\/\S+)/.exec(options)?.[1] ?? null;
    return [{ url, suites: [suite], components: components.trim().split(/\s+/), keyring }];
  });
}
