/**
 * What a knob's text may look like: one kind per shape. A parser accepts the text or says what is wrong with it and what
 * would be accepted; it knows nothing of other knobs. Nothing is guessed: no rounding, no default for a bad value.
 */
import { isIP } from "node:net";
import { formatHostPort, isLoopback, isWildcard, parseHostPort, type HostPort } from "./addresses.ts";

/** The name of a node or of a witness, as the heartbeat's codec accepts it. */
export const MEMBER_NAME = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
export const MEMBER_NAME_SHAPE = "1 to 32 lower-case letters, digits and dashes, no dash at either end";

/** An EC2 instance id. */
export const INSTANCE_ID = /^i-[0-9a-z]{1,32}$/;

/** What each kind's parser makes. */
export interface KindValues {
  duration: number;
  count: number;
  size: number;
  port: number;
  flag: boolean;
  choice: string;
  text: string;
  ip: string;
  url: string;
  listen: HostPort;
  loopback: HostPort;
  target: HostPort;
  names: readonly string[];
  references: readonly string[];
  members: ReadonlyMap<string, HostPort>;
  instances: ReadonlyMap<string, string>;
}

export type Kind = keyof KindValues;

/** The parts of a knob's row that its parser looks at. */
export interface Limits {
  /** Of a number, or of a list's length. */
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  readonly pattern?: RegExp;
  /** The pattern in words. */
  readonly shape?: string;
  /** The value may be a secret put into the wrong place, so no message repeats it. */
  readonly unshown?: true;
}

/** A value, or what is wrong with the text and what is accepted instead. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

interface KindRow<T> {
  parse(text: string, limits: Limits): Parsed<T>;
  /** What is accepted, in words. */
  accepts(limits: Limits): string;
  /** The one text for equal values, for the digest. */
  canonical(value: T): string;
}

const UNIT_NAMES = { duration: "milliseconds", count: "", size: "MiB", port: "" } as const;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, sec: 1_000, m: 60_000, min: 60_000, h: 3_600_000 };

const accept = <T>(value: T): Parsed<T> => ({ ok: true, value });

/** A value that holds a second setting, as after a line break that got lost; what follows may be a secret. */
const SECOND_SETTING = /[A-Z][A-Z0-9]*_[A-Z0-9_]*\s*=/;

/** A piece of a value as a message may repeat it: short and of plain characters, or not at all. */
export function shown(text: string): string {
  if (SECOND_SETTING.test(text)) return "its value (not repeated here; it holds a second setting: is a line break missing?)";
  const plain = /^(?:https?:\/\/)?[A-Za-z0-9._:,=[\]% -]+\/?$/.test(text);
  return text.length <= 48 && plain && !/[A-Za-z0-9]{33}/.test(text) ? `"${text}"` : "its value (not repeated here)";
}

function numberKind(kind: keyof typeof UNIT_NAMES): KindRow<number> {
  const unit = UNIT_NAMES[kind];
  const accepts = ({ min = 0, max = Number.MAX_SAFE_INTEGER }: Limits): string => `a whole number${unit === "" ? "" : ` of ${unit}`} from ${min} to ${max}`;
  return {
    accepts,
    canonical: String,
    parse(text, limits) {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : null;
      if (value !== null && value >= (limits.min ?? 0) && value <= (limits.max ?? Number.MAX_SAFE_INTEGER)) return accept(value);
      const withUnit = /^(\d{1,9})\s*(s|sec|m|min|h)$/i.exec(text);
      const factor = kind === "duration" ? UNIT_MS[withUnit?.[2]?.toLowerCase() ?? ""] : undefined;
      const hint = factor === undefined ? "" : ` (in milliseconds that is ${Number(withUnit?.[1]) * factor})`;
      return { ok: false, problem: `${shown(text)} is not ${accepts(limits)}${hint}.` };
    },
  };
}

function shapeKind<T>(accepts: KindRow<T>["accepts"], parse: (text: string, limits: Limits) => T | null, canonical: (value: T) => string): KindRow<T> {
  return {
    accepts,
    canonical,
    parse(text, limits) {
      const value = parse(text, limits);
      return value === null ? { ok: false, problem: `${limits.unshown === true ? "its value (not repeated here)" : shown(text)} is not ${accepts(limits)}.` } : accept(value);
    },
  };
}

function endpointKind(words: string, allows: (host: string) => boolean): KindRow<HostPort> {
  const parse = (text: string): HostPort | null => {
    const address = parseHostPort(text);
    return address !== null && isIP(address.host) !== 0 && allows(address.host) ? address : null;
  };
  return shapeKind(() => words, parse, formatHostPort);
}

/** A comma list. Every bad entry is named, and so is every one that comes twice. */
function listKind<T, E>(rules: { readonly words: string; readonly entry: (text: string) => E | null; readonly key: (entry: E) => string; readonly gather: (entries: readonly E[]) => T; readonly canonical: (value: T) => string }): KindRow<T> {
  const accepts = ({ min = 0, max = Infinity }: Limits): string => `a comma list of ${min === max ? min : `${min} to ${max}`} ${rules.words}`;
  return {
    accepts,
    canonical: rules.canonical,
    parse(text, limits) {
      // Before it is taken apart: what follows a lost line break may have a comma in it.
      if (SECOND_SETTING.test(text)) return { ok: false, problem: `${shown(text)} is not ${accepts(limits)}.` };
      const texts = text.trim() === "" ? [] : text.split(",").map((entry) => entry.trim());
      const entries: E[] = [];
      const seen = new Set<string>();
      const problems: string[] = [];
      for (const each of texts) {
        const entry = rules.entry(each);
        if (entry === null) problems.push(each === "" ? "an entry is empty" : `${shown(each)} is not one of them`);
        else if (seen.has(rules.key(entry))) problems.push(`${shown(rules.key(entry))} comes twice`);
        else {
          seen.add(rules.key(entry));
          entries.push(entry);
        }
      }
      if (texts.length < (limits.min ?? 0) || texts.length > (limits.max ?? Infinity)) problems.push(`it has ${texts.length} ${texts.length === 1 ? "entry" : "entries"}`);
      return problems.length === 0 ? accept(rules.gather(entries)) : { ok: false, problem: `must be ${accepts(limits)}: ${problems.join("; ")}.` };
    },
  };
}

/** `name=rest` with a member's name. */
function named<T>(text: string, parseRest: (rest: string) => T | null): readonly [string, T] | null {
  const split = text.indexOf("=");
  const name = text.slice(0, Math.max(0, split)).trim();
  const rest = split < 0 ? null : parseRest(text.slice(split + 1).trim());
  return rest === null || !MEMBER_NAME.test(name) ? null : [name, rest];
}

const ipEndpoint = (text: string): HostPort | null => {
  const address = parseHostPort(text);
  return address !== null && isIP(address.host) !== 0 && !isWildcard(address.host) ? address : null;
};
const FLAGS: Readonly<Record<string, boolean>> = { true: true, false: false };
const sortedEntries = <T>(map: ReadonlyMap<string, T>, format: (value: T) => string): string => [...map].map(([name, value]) => `${name}=${format(value)}`).toSorted().join(",");

/** One parser per kind. */
export const KINDS: { readonly [K in Kind]: KindRow<KindValues[K]> } = {
  duration: numberKind("duration"),
  count: numberKind("count"),
  size: numberKind("size"),
  port: numberKind("port"),
  flag: shapeKind(() => "true or false", (text) => FLAGS[text] ?? null, String),
  choice: shapeKind(({ choices = [] }) => `one of ${choices.join(", ")}`, (text, { choices = [] }) => (choices.includes(text) ? text : null), String),
  text: shapeKind(({ shape = "text" }) => shape, (text, { pattern = /^/ }) => (pattern.test(text) ? text : null), String),
  ip: shapeKind(() => "an IP address of this machine", (text) => (isIP(text) !== 0 && !isWildcard(text) ? text : null), String),
  url: shapeKind(() => "http://host:port, without user, path or query", plainHttp, String),
  listen: endpointKind("address:port, the address an IP address (0.0.0.0 for all of this machine)", () => true),
  loopback: endpointKind("address:port with a loopback address, such as 127.0.0.1: nothing there is meant for the network", isLoopback),
  target: endpointKind("address:port with an IP address that can be sent to", (host) => !isWildcard(host)),
  names: listKind({ words: "names of letters, digits, dots, dashes and underscores", entry: (text) => (/^[A-Za-z0-9._-]{1,64}$/.test(text) ? text : null), key: (name) => name, gather: (names) => names, canonical: (names) => names.toSorted().join(",") }),
  references: listKind({ words: "host:port entries", entry: parseHostPort, key: formatHostPort, gather: (entries) => entries.map(formatHostPort), canonical: (entries) => entries.toSorted().join(",") }),
  members: listKind<ReadonlyMap<string, HostPort>, readonly [string, HostPort]>({ words: "name=address:port entries (names of lower-case letters, digits and dashes; IP addresses, so that nothing has to be resolved in an outage)", entry: (text) => named(text, ipEndpoint), key: ([name]) => name, gather: (entries) => new Map(entries), canonical: (members) => sortedEntries(members, formatHostPort) }),
  instances: listKind<ReadonlyMap<string, string>, readonly [string, string]>({ words: "name=i-… entries", entry: (text) => named(text, (id) => (INSTANCE_ID.test(id) ? id : null)), key: ([name]) => name, gather: (entries) => new Map(entries), canonical: (instances) => sortedEntries(instances, String) }),
};

/** Credentials in the address would end up in logs and process lists; a path would be ignored in silence. */
function plainHttp(text: string): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== "http:" || url.username !== "" || url.password !== "" || url.pathname !== "/" || url.search !== "" || url.hash !== "") return null;
  return url.origin;
}
