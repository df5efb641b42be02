// `npm run demo`: the first thing that a stranger runs, so it takes nothing for granted. It checks Node's version,
// installs what is missing, makes a folder that vanishes afterwards, and runs demo-main.ts in it with a clean environment.
// Plain JavaScript, because before the installation there is nothing that could read TypeScript.
import process from "node:process";

const EXIT_BROKEN = 1;
const EXIT_USAGE = 2;
const EXIT_FAILED = 3;
const NODE_MIN = 20;

const major = Number(process.versions.node.split(".")[0]);
if (!(major >= NODE_MIN)) {
  process.stderr.write(`The demo needs Node ${NODE_MIN} or newer; this is ${process.versions.node}. Get one from https://nodejs.org\n`);
  process.exit(EXIT_FAILED);
}
// Loaded only now: an old Node would stumble over these instead of saying so.
const { spawn } = await import("node:child_process");
const { existsSync, mkdtempSync, readFileSync, realpathSync } = await import("node:fs");
const { tmpdir } = await import("node:os");
const { dirname, join } = await import("node:path");
const { fileURLToPath } = await import("node:url");
const { parseArgs } = await import("node:util");

const here = dirname(fileURLToPath(import.meta.url));
const repository = join(here, "..", "..");
/** @type {Record<string, string>} */
const faults = JSON.parse(readFileSync(join(here, "faults.json"), "utf8"));

const usage = `Usage: npm run demo -- [--fault NAME] [--stand-in]

Two nodes on this machine, each with an Asterisk and a real agent, an embedded
AWS between them, and a caller who asks the Elastic IP 20 times a second. The
demo breaks something and draws what happened. It needs no root and no AWS.

  --fault NAME   what breaks:
${Object.entries(faults).map(([name, says]) => wrapped(`    ${name.padEnd(12)} `, says)).join("\n")}
  --stand-in     use the stand-in even if there is a real Asterisk
  --help         this text

Exit codes: 0 the promises held, ${EXIT_BROKEN} they did not, ${EXIT_USAGE} wrong usage, ${EXIT_FAILED} no run.
NO_COLOR=1 draws without colour; FORCE_COLOR=1 draws with it.
`;

/** Breaks a sentence under its own beginning. @param {string} label @param {string} text */
function wrapped(label, text) {
  const lines = [label];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line.length + word.length + 1 > 80) lines.push(`${" ".repeat(label.length)}${word} `);
    else lines[lines.length - 1] = `${line}${word} `;
  }
  return lines.map((line) => line.trimEnd()).join("\n");
}

/** @returns {{ fault: string, standIn: boolean }} */
function readArguments() {
  try {
    const { values } = parseArgs({ options: { fault: { type: "string", default: "death" }, "stand-in": { type: "boolean", default: false }, help: { type: "boolean", short: "h", default: false } } });
    if (values.help) {
      process.stdout.write(usage);
      process.exit(0);
    }
    const fault = values.fault ?? "death";
    if (!Object.hasOwn(faults, fault)) throw new Error(`There is no fault "${fault}".`);
    return { fault, standIn: values["stand-in"] === true };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exit(EXIT_USAGE);
  }
}

/** What package.json asks for and node_modules does not have. */
function missingPackages() {
  const { dependencies } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
  return [...Object.keys(dependencies), "tsx"].filter((name) => !existsSync(join(repository, "node_modules", name, "package.json")));
}

/** Runs a command in the foreground. Resolves with its exit code. @param {string} command @param {string[]} args */
function foreground(command, args) {
  return new Promise((resolve, reject) => {
    spawn(command, args, { cwd: repository, stdio: "inherit" }).once("error", reject).once("exit", (code) => resolve(code ?? EXIT_FAILED));
  });
}

async function installIfNeeded() {
  const missing = missingPackages();
  if (missing.length === 0) return;
  process.stdout.write(`Installing what the demo needs (${missing.length} packages of package.json are missing): npm ci\n`);
  // Under `npm run` this names npm's own program, which need not be on PATH.
  const npm = process.env.npm_execpath;
  const args = ["ci", "--no-audit", "--no-fund"];
  const code = npm !== undefined && /\.c?js$/.test(npm) ? await foreground(process.execPath, [npm, ...args]) : await foreground("npm", args);
  if (code !== 0) {
    process.stderr.write(`npm ci failed with code ${code}. The demo needs these packages; its messages above say what is wrong.\n`);
    process.exit(EXIT_FAILED);
  }
}

/** Nothing of the user's AWS configuration, proxies or Node options may reach the agents. @param {string} folder */
function cleanEnvironment(folder) {
  const kept = Object.entries(process.env).filter(([name]) => /^(PATH|TERM|COLORTERM|NO_COLOR|FORCE_COLOR|COLUMNS|LANG|LC_[A-Z]+|TZ)$/.test(name));
  return { ...Object.fromEntries(kept), HOME: folder, TMPDIR: folder };
}

const { fault, standIn } = readArguments();
await installIfNeeded();

// The real path: on macOS the folder for temporary files is behind a link, and paths of sockets must be short.
const folder = realpathSync(mkdtempSync(join(tmpdir(), "node-agent-demo-")));
// The guard sweeps up when its standard input closes: at the end, or when this process is killed.
const guard = spawn(process.execPath, [join(here, "guard.mjs"), folder], { stdio: ["pipe", "ignore", "inherit"], detached: true });
const swept = new Promise((resolve) => guard.once("exit", resolve));

// Node 20.6 brought the way in which tsx likes to be loaded.
const [, minor = "0"] = process.versions.node.split(".");
const tsx = major > 20 || Number(minor) >= 6 ? ["--import", "tsx"] : ["--no-warnings", "--loader", "tsx"];
const demo = spawn(process.execPath, [...tsx, join(here, "demo-main.ts"), fault, folder, ...(standIn ? ["--stand-in"] : [])], { cwd: repository, env: cleanEnvironment(folder), stdio: "inherit" });

guard.stdin.write(`+${demo.pid}\n`);

// The demo ends in order when it is asked to; Ctrl-C reaches it by itself too, and asking twice does no harm.
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) process.on(signal, () => demo.kill(signal));
const code = await new Promise((resolve) => {
  demo.once("error", () => resolve(EXIT_FAILED));
  demo.once("exit", (status, signal) => {
    if (signal !== null) process.stderr.write(`The demo was ended by ${signal}.\n`);
    resolve(status ?? EXIT_FAILED);
  });
});
guard.stdin.end("-\n");
await swept;
process.exitCode = code;
