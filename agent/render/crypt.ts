/**
 * Passwords as ari.conf keeps them: SHA-512 crypt (`$6$`), so that who reads the file can't use them. The algorithm is Ulrich
 * Drepper's "Unix crypt using SHA-256 and SHA-512", whose published test vectors are in the unit test.
 *
 * Asterisk hashes the offered password for every single request, so the rounds are the fewest that the format allows: the
 * passwords are made by a machine, and guessing one of 20 random characters is as hopeless with 1 000 rounds as with 5 000.
 */
import { createHash } from "node:crypto";

/** The digest's bytes (SHA-512), and the limits of the format. */
const DIGEST = 64;
const ROUNDS_FEWEST = 1_000;
const ROUNDS_USUAL = 5_000;
const ROUNDS_MOST = 999_999_999;
const SALT_MAX = 16;
const ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const sha512 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash("sha512");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** The first `length` bytes of a digest repeated without end. */
function stretched(digest: Uint8Array, length: number): Buffer {
  return Buffer.alloc(length, digest);
}

/**
 * The crypt text of a password. The salt is made from `owner`, not drawn: an unchanged password gives an unchanged file, at every
 * boot, also on a disk that has none yet. A salt need not be secret, only different from node to node and from user to user,
 * so `owner` names cluster, node and user. It tells nothing of the password.
 */
export function cryptPassword(password: string, owner: string): string {
  const salt = createHash("sha256").update(`ari password salt\0${owner}`).digest("base64").replaceAll("+", ".").slice(0, SALT_MAX);
  return sha512Crypt(password, salt, ROUNDS_FEWEST);
}

/** SHA-512 crypt. A salt longer than 16 bytes is cut; `rounds: null` is the format's usual 5 000, which is not written out. */
export function sha512Crypt(password: string, saltText: string, rounds: number | null): string {
  const key = Buffer.from(password, "utf8");
  const salt = Buffer.from(saltText, "utf8").subarray(0, SALT_MAX);
  const count = Math.min(Math.max(rounds ?? ROUNDS_USUAL, ROUNDS_FEWEST), ROUNDS_MOST);
  const start = startOf(key, salt);
  const keyBytes = stretched(sha512(...Array.from({ length: key.length }, () => key)), key.length);
  const saltBytes = stretched(sha512(...Array.from({ length: 16 + (start[0] ?? 0) }, () => salt)), salt.length);
  let digest = start;
  for (let round = 0; round < count; round += 1) {
    const odd = round % 2 === 1;
    const parts = [odd ? keyBytes : digest];
    if (round % 3 !== 0) parts.push(saltBytes);
    if (round % 7 !== 0) parts.push(keyBytes);
    parts.push(odd ? digest : keyBytes);
    digest = sha512(...parts);
  }
  return `$6$${rounds === null ? "" : `rounds=${count}$`}${salt.toString("utf8")}$${encode(digest)}`;
}

/** The digest that the rounds begin with: the key mixed with itself by the bits of its own length. */
function startOf(key: Buffer, salt: Buffer): Buffer {
  const alternate = sha512(key, salt, key);
  const parts = [key, salt, stretched(alternate, key.length)];
  for (let bits = key.length; bits > 0; bits >>= 1) parts.push((bits & 1) === 1 ? alternate : key);
  return sha512(...parts);
}

/** Three bytes to four characters, lowest bits first, in the format's own order: each triple is one byte of each third, rotating. */
function encode(digest: Buffer): string {
  const third = Math.floor(DIGEST / 3);
  const at = (index: number): number => digest[index] ?? 0;
  let text = "";
  for (let index = 0; index < third; index += 1) {
    const triple = [index, index + third, index + 2 * third];
    const turned = [...triple.slice(index % 3), ...triple.slice(0, index % 3)];
    const [high = 0, middle = 0, low = 0] = turned;
    text += characters((at(high) << 16) | (at(middle) << 8) | at(low), 4);
  }
  return text + characters(at(DIGEST - 1), 2);
}

function characters(bits: number, count: number): string {
  let text = "";
  for (let rest = bits, index = 0; index < count; index += 1, rest >>>= 6) text += ALPHABET[rest & 63] ?? "";
  return text;
}
