/**
 * What the browser gets besides the page: one style sheet, one script, one icon, as they lie in browser/. Read once at the start;
 * in the bundle their text is part of it (test/support/build-bundle.ts), because there are no files beside that.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** The files of browser/ and their types. */
export const ASSET_TYPES = { "page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml" } as const;
export type AssetName = keyof typeof ASSET_TYPES;
export type Assets = Readonly<Record<AssetName, string>>;

/** Put here by the bundler; absent when the sources run. */
declare const BUNDLED_PAGE_ASSETS: Assets | undefined;

/** Throws when a file is missing: then the program was not installed whole. */
export function loadAssets(): Assets {
  if (typeof BUNDLED_PAGE_ASSETS !== "undefined") return BUNDLED_PAGE_ASSETS;
  const read = (name: AssetName): string => readFileSync(new URL(`browser/${name}`, import.meta.url), "utf8");
  return { "page.css": read("page.css"), "page.js": read("page.js"), "icon.svg": read("icon.svg") };
}

/** Differs when any of them does. */
export function versionOf(assets: Assets): string {
  return createHash("sha256").update(JSON.stringify(assets)).digest("hex").slice(0, 12);
}
