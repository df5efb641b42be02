/**
 * The secret: one JSON object, the same for every member of the cluster. It is read as a whole, all that is wrong with it
 * is told in one error, and no message ever holds any part of a value: neither ours nor the JSON parser's, which likes
 * to quote what it could not read. Unknown fields are left alone, so that others may keep theirs beside ours.
 *
 * How the heartbeat keys are rotated, so that no member ever dials with a key that another does not know yet (members read
 * a new version within SECRET_INTERVAL_MS of each other, or later when one is away):
 *   1. add the new key to heartbeat_keys and set heartbeat_key_current to the old one;
 *   2. when every member has it (`nodectl status` on each), set heartbeat_key_current to the new one;
 *   3. when every member dials with it, remove the old key.
 * Without heartbeat_key_current the first key in the order of their ids is dialled with. With ids that grow, such as
 * dates, adding a key is therefore safe by itself; it is used as soon as the older one is removed.
 */
import { AgentError } from "./errors.ts";

/** A SIP provider with which the active registers. */
export interface Trunk {
  /** Names it in Asterisk's configuration. */
  readonly name: string;
  /** Host, or host:port, of the provider's registrar. */
  readonly server: string;
  readonly username: string;
  readonly password: string;
}

/** What only a node's secret holds: the keys to its Asterisk. */
export interface NodeSecret {
  /** Of the agent's own user. */
  readonly ariPassword: string;
  /** Of the Stasis app's user: `stasis_password`, or the agent's where the secret has none. */
  readonly stasisPassword: string;
  /** The database with Asterisk's realtime tables. */
  readonly database: { readonly username: string; readonly password: string };
  readonly trunks: readonly Trunk[];
}

export interface Secret {
  /** Key id to 32 bytes: those that are accepted, in the order of their ids. */
  readonly heartbeatKeys: ReadonlyMap<string, Uint8Array>;
  /** The id of the key to dial with. */
  readonly dialWith: string;
  /** null on a witness. */
  readonly node: NodeSecret | null;
}

/** A rotation needs two; the others leave room for one that was interrupted. */
const KEYS_MAX = 4;
const KEY_BYTES = 32;
/** As the peer link's identities take it. */
const KEY_ID = /^[A-Za-z0-9._-]{1,32}$/;
/** Canonical base64 of 32 bytes: 43 characters, the last of which carries four bits, and one pad. */
const KEY_TEXT = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;
/** A NUL or a line break would end the line of Asterisk's configuration into which a text is rendered. */
const PRINTABLE = /^[^\p{Cc}\p{Zl}\p{Zp}]*$/u;
const TEXT_MAX = 512;
const TRUNKS_MAX = 32;

type Fields = Readonly<Record<string, unknown>>;
type Tell = (field: string, problem: string) => void;

/**
 * Reads a secret.
 * @param kind a witness needs the heartbeat keys only
 * @throws AGENT_SECRET_INVALID naming every field that is wrong, never a value
 */
export function parseSecret(text: string, kind: "node" | "witness"): Secret {
  const problems: string[] = [];
  const tell: Tell = (field, problem) => problems.push(`${field}: ${problem}`);
  const fields = objectOf(text);
  if (fields === null) throw invalid(["the whole: must be one JSON object, { … }"]);
  const heartbeatKeys = readKeys(fields, tell);
  const dialWith = readCurrent(fields, heartbeatKeys, tell);
  const node = kind === "node" ? readNode(fields, tell) : null;
  if (problems.length > 0) throw invalid(problems);
  return { heartbeatKeys, dialWith, node };
}

/** The parser's error is not passed on as a cause: it quotes the text. */
function objectOf(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(problems: readonly string[]): AgentError {
  return new AgentError("AGENT_SECRET_INVALID", [`The secret can't be used (${problems.length === 1 ? "1 problem" : `${problems.length} problems`}; values are never shown):`, ...problems.map((problem) => `  ${problem}`)].join("\n"));
}

function readKeys(fields: Fields, tell: Tell): ReadonlyMap<string, Uint8Array> {
  const keys = new Map<string, Uint8Array>();
  const given = fields["heartbeat_keys"];
  if (given === undefined) tell("heartbeat_keys", `missing. Give an object with one key: its id, and base64 of ${KEY_BYTES} random bytes (openssl rand -base64 ${KEY_BYTES})`);
  else if (!isObject(given)) tell("heartbeat_keys", "must be an object, key id to base64");
  else {
    const entries = Object.entries(given).toSorted(([a], [b]) => (a < b ? -1 : 1));
    if (entries.length < 1 || entries.length > KEYS_MAX) tell("heartbeat_keys", `must have 1 to ${KEYS_MAX} keys and has ${entries.length}`);
    for (const [index, [id, key]] of entries.entries()) readKey(id, key, index, keys, tell);
    const distinct = new Set([...keys.values()].map((key) => Buffer.from(key).toString("base64")));
    if (distinct.size < keys.size) tell("heartbeat_keys", "has the same key under two ids. Make a new one (openssl rand -base64 32)");
  }
  return keys;
}

function readKey(id: string, given: unknown, index: number, keys: Map<string, Uint8Array>, tell: Tell): void {
  // An ill-formed id may be a key that was put into the wrong place, so it is not repeated.
  if (!KEY_ID.test(id)) tell("heartbeat_keys", `the id of key ${index + 1} must be 1 to 32 letters, digits, dots, dashes and underscores`);
  else if (typeof given !== "string" || !KEY_TEXT.test(given)) tell(`heartbeat_keys.${id}`, `must be base64 of exactly ${KEY_BYTES} bytes, 44 characters (openssl rand -base64 ${KEY_BYTES})`);
  else keys.set(id, Uint8Array.from(Buffer.from(given, "base64")));
}

function readCurrent(fields: Fields, keys: ReadonlyMap<string, Uint8Array>, tell: Tell): string {
  const current = fields["heartbeat_key_current"];
  if (current === undefined) return keys.keys().next().value ?? "";
  if (typeof current === "string" && keys.has(current)) return current;
  tell("heartbeat_key_current", "must be the id of a usable key in heartbeat_keys; or take it out");
  return "";
}

function readNode(fields: Fields, tell: Tell): NodeSecret {
  const ariPassword = readText(fields, "ari_password", "", tell);
  const ownStasisPassword = fields["stasis_password"] !== undefined && fields["stasis_password"] !== null;
  return {
    ariPassword,
    stasisPassword: ownStasisPassword ? readText(fields, "stasis_password", "", tell) : ariPassword,
    database: { username: readText(fields, "username", "", tell), password: readText(fields, "password", "", tell) },
    trunks: readTrunks(fields["trunks"], tell),
  };
}

function readTrunks(given: unknown, tell: Tell): readonly Trunk[] {
  if (given === undefined || given === null) return [];
  if (!Array.isArray(given) || given.length > TRUNKS_MAX) {
    tell("trunks", `must be a list of at most ${TRUNKS_MAX} objects with name, server, username and password`);
    return [];
  }
  const trunks = given.map((each: unknown, index): Trunk => {
    const fields = isObject(each) ? each : {};
    const at = `trunks[${index}].`;
    const read = (name: string, pattern?: RegExp, shape?: string): string => readText(fields, name, at, tell, pattern, shape);
    return { name: read("name", /^[a-z0-9][a-z0-9-]{0,31}$/, "1 to 32 lower-case letters, digits and dashes"), server: read("server", /^[A-Za-z0-9.-]{1,253}(?::\d{1,5})?$/, "host or host:port"), username: read("username"), password: read("password") };
  });
  if (new Set(trunks.map((trunk) => trunk.name)).size < trunks.length) tell("trunks", "must not have two of one name");
  return trunks;
}

function readText(fields: Fields, name: string, at: string, tell: Tell, pattern = PRINTABLE, shape = "a text without control characters"): string {
  const value = fields[name];
  const field = `${at}${name}`;
  if (value === undefined || value === null) tell(field, "missing. There is no default; add it");
  else if (typeof value !== "string") tell(field, "must be a text in quotes");
  else if (value === "") tell(field, "is empty. There is no default; give it a value");
  else if (value.length > TEXT_MAX || !PRINTABLE.test(value) || !pattern.test(value)) tell(field, `must be ${shape}, at most ${TEXT_MAX} characters`);
  else return value;
  return "";
}
