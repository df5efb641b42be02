// Writes a package.json and a package-lock.json which hold pm2 alone, at the versions and hashes of the repository's own lock
// file. npm leaves out of an installation whatever the manifest doesn't lead to, so the rest of the lock may stay.
// Usage: node write-pm2-manifest.mjs REPOSITORY FOLDER
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [repository, folder] = process.argv.slice(2);
const read = (name) => JSON.parse(readFileSync(join(repository, name), "utf8"));
const manifest = read("package.json");
const lock = read("package-lock.json");
const version = manifest.devDependencies?.pm2 ?? manifest.dependencies?.pm2;
if (version === undefined) throw new Error("package.json names no pm2");

const supervisor = { name: "supervisor", version: "0.0.0", private: true, dependencies: { pm2: version } };
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "package.json"), JSON.stringify({ ...supervisor, overrides: manifest.overrides ?? {} }));
writeFileSync(join(folder, "package-lock.json"), JSON.stringify({ ...lock, name: supervisor.name, packages: { ...lock.packages, "": supervisor } }));
