/** Writes the generated parts of README.md, and .env.example. Run it after a change to a table, and read the diff. */
import { readFileSync, writeFileSync } from "node:fs";
import { envExample, withFreshParts } from "./readme-tables.ts";

const root = new URL("../../", import.meta.url);
const readme = new URL("README.md", root);
writeFileSync(readme, withFreshParts(readFileSync(readme, "utf8")));
writeFileSync(new URL(".env.example", root), envExample());
