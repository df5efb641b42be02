/**
 * Plugins that keep the agent's bundle small in memory. Measured with `npm run bench` (memory, first-heartbeat): of the SDK's
 * EC2 client only the five calls that we make are kept, and the source map tells where our own code is from and no
 * library's. Both are about text that Node would read at every start and keep for as long as the agent lives.
 */
import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";

/** Every client of the AWS SDK describes its operations and shapes in such a file; EC2's has more than 3 000 of them. */
const SDK_SCHEMAS = /@aws-sdk[\\/]client-[a-z0-9-]+[\\/]dist-es[\\/]schemas[\\/]schemas_\d+\.js$/;

/** A map in which a whole file is one place: esbuild then maps all of it to that place, which takes next to no room. */
const ONE_PLACE = Buffer.from(JSON.stringify({ version: 3, sources: ["library"], names: [], mappings: "AAAA" })).toString("base64");

/**
 * The shapes are array literals whose keys are written `[_aK]`, where `_aK` is a constant string. A computed key might run
 * code, so esbuild keeps every shape, used or not. Written as the string that it is, it runs none, and what is unused goes.
 */
export function withLiteralKeys(schemas: string): string {
  const constants = new Map(Array.from(schemas.matchAll(/^const (_\w+) = ("(?:[^"\\]|\\.)*");$/gm), ([, name = "", text = ""]) => [name, text]));
  return schemas.replaceAll(/\[(_\w+)\]:/g, (whole, name: string) => {
    const text = constants.get(name);
    return text === undefined ? whole : `${text}:`;
  });
}

/** For the bundles of this package: it makes no difference to what any code does. */
export const bundleDiet: Plugin = {
  name: "bundle-diet",
  setup(steps) {
    steps.onLoad({ filter: /node_modules.*\.[cm]?js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const code = (SDK_SCHEMAS.test(path) ? withLiteralKeys(text) : text).replaceAll(/^\/\/# sourceMappingURL=.*$/gm, "");
      return { contents: `${code}\n//# sourceMappingURL=data:application/json;base64,${ONE_PLACE}`, loader: "js" };
    });
  },
};
