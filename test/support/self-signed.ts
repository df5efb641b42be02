/** A throw-away certificate for TLS tests, so that none lies in the repository. Node can sign, but not make certificates. */
import { generateKeyPairSync, sign } from "node:crypto";

/** A self-signed EC certificate for `name` (a DNS name), good for the present century, and its key, both PEM. */
export function selfSigned(name: string): { readonly cert: string; readonly key: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsaWithSha256 = der(0x30, der(0x06, Buffer.from("2a8648ce3d040302", "hex")));
  const commonName = der(0x30, der(0x31, der(0x30, der(0x06, Buffer.from("550403", "hex")), der(0x0c, Buffer.from(name)))));
  const validity = der(0x30, der(0x17, Buffer.from("200101000000Z")), der(0x17, Buffer.from("491231000000Z")));
  const altName = der(0x30, der(0x06, Buffer.from("551d11", "hex")), der(0x04, der(0x30, der(0x82, Buffer.from(name)))));
  const body = der(0x30, der(0xa0, der(0x02, Buffer.from([2]))), der(0x02, Buffer.from([1])), ecdsaWithSha256, commonName, validity, commonName, publicKey.export({ type: "spki", format: "der" }), der(0xa3, der(0x30, altName)));
  const certificate = der(0x30, body, ecdsaWithSha256, der(0x03, Buffer.concat([Buffer.from([0]), sign("sha256", body, privateKey)])));
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${certificate.toString("base64").replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** One DER value: tag, length, content. */
function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const whole = Buffer.concat(content);
  const length = whole.length < 128 ? [whole.length] : whole.length < 256 ? [0x81, whole.length] : [0x82, whole.length >> 8, whole.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), whole]);
}
