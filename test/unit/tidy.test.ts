import assert from "node:assert/strict";
import { homedir } from "node:os";
import { describe, it } from "node:test";
import ts from "typescript";
import { KNOB_NAMES, GROUPS, fieldName, knobRow, type KnobName } from "../../agent/knobs.ts";
import { TRANSITIONS } from "../../agent/core/transitions.ts";
import { REPOSITORY } from "../support/lab/roots.ts";
import { sourceFiles, textFiles, type SourceFile } from "../support/source-files.ts";
import { complaints, importsOf, nodesOf, syntaxOf } from "../support/source-syntax.ts";

const AGENT = sourceFiles("agent");
const CORE = AGENT.filter(({ path }) => path.startsWith("agent/core/"));
const TESTS = sourceFiles("test");
const EVERYTHING = [...AGENT, ...TESTS];

/** Lines that are not blank, as eslint's max-lines counts them. */
const FILE_LINES_MAX = 300;
/** Time, chance, the process and the outside world: they reach the core in events only. */
const IMPURE = new Set(["Date", "performance", "setTimeout", "setInterval", "setImmediate", "queueMicrotask", "process", "fetch", "console", "crypto", "Buffer", "require", "globalThis", "Atomics", "Intl"]);
/** Built from halves, so that this file does not find itself. */
const halves = (...pairs: readonly (readonly [string, string])[]): string => pairs.map(([first, second]) => first + second).join("|");
const BANNED_WORDS = new RegExp(`\\b(?:${halves(["TO", "DO"], ["FIX", "ME"], ["XX", "X"], ["HA", "CK"])})\\b`);
const REGISTRY_HOSTS = new RegExp(halves(["registry.", "npmjs"], ["registry-1.", "docker"]));
/**
 * Folders of the machine on which this runs: this checkout and the home of who runs it. Left out is what says nothing of a machine: a folder
 * right below the root (every system has a /root), and one where programs are installed (a node has the agent below /usr).
 */
const PLACES_HERE = [REPOSITORY, homedir()].filter((place) => /^\/[^/]+\/./.test(place) && !/^\/(?:usr|opt)\//.test(place));
/** A page in capitals, as such pages are called: README.md and its like. */
const PAGE = /\b[A-Z][A-Z-]+\.md\b/g;
/** Comes with ari-client, which pins it: the adapter must reach into the very copy that the library uses. */
const INSTALLED_WITH_OTHERS = new Set(["swagger-client"]);
/** Where the settings themselves are read: a knob that is only mentioned there is used by nobody. */
const CONFIG_FILES = /^agent\/(?:config[\w-]*|knobs|core\/settings)\.ts$/;

describe("the core", () => {
  it("imports nothing but its own files and zod", () => {
    assert.deepEqual(complaints(CORE, (file) => importsOf(file).filter((from) => from !== "zod" && !/^\.\/[a-z-]+\.ts$/.test(from))), []);
  });

  it("knows no time, no chance, no process and no outside world", () => {
    const impure = (file: SourceFile): readonly string[] =>
      nodesOf(file).flatMap((node) => {
        if (ts.isPropertyAccessExpression(node) && node.expression.getText() === "Math" && node.name.text === "random") return ["Math.random"];
        if (!ts.isIdentifier(node) || !IMPURE.has(node.text)) return [];
        const isName = (ts.isPropertyAccessExpression(node.parent) && node.parent.name === node) || ts.isPropertyAssignment(node.parent) || ts.isPropertySignature(node.parent);
        return isName ? [] : [node.text];
      });
    assert.deepEqual(complaints(CORE, impure), []);
  });

  it("holds no state of its own: no variable that can change, no class", () => {
    const stateful = (file: SourceFile): readonly string[] => [
      ...syntaxOf(file).statements.filter(ts.isVariableStatement).filter((statement) => (statement.declarationList.flags & ts.NodeFlags.Const) === 0).map((statement) => statement.getText().slice(0, 60)),
      ...nodesOf(file).filter(ts.isClassDeclaration).map((node) => `class ${node.name?.text ?? ""}`),
    ];
    assert.deepEqual(complaints(CORE, stateful), []);
  });

  it("waits for nothing", () => {
    assert.deepEqual(complaints(CORE, (file) => nodesOf(file).filter((node) => ts.isAwaitExpression(node) || node.kind === ts.SyntaxKind.AsyncKeyword).map((node) => node.getText().slice(0, 60))), []);
  });
});

describe("the table of transitions", () => {
  const roles = [...new Set(TRANSITIONS.flatMap((row) => [row.from, row.to]))];

  it("has fewer than fifteen rows, each with a name of its own and a sentence", () => {
    assert.ok(TRANSITIONS.length < 15);
    assert.equal(new Set(TRANSITIONS.map((row) => row.name)).size, TRANSITIONS.length);
    for (const row of TRANSITIONS) assert.match(row.meaning, /^[A-Z].*\.$/, row.name);
  });

  it("names every role but the witness's, which never changes", () => {
    assert.deepEqual(roles.toSorted(), ["active", "claiming", "standby", "starting"]);
  });

  it("lets every role be reached from the start, and every role be left", () => {
    const reached = new Set<string>(["starting"]);
    for (let grown = true; grown; ) {
      const next = TRANSITIONS.filter((row) => reached.has(row.from) && !reached.has(row.to));
      for (const row of next) reached.add(row.to);
      grown = next.length > 0;
    }
    assert.deepEqual([...reached].toSorted(), roles.toSorted());
    for (const role of roles) assert.ok(TRANSITIONS.some((row) => row.from === role && row.to !== role), `${role} can't be left`);
  });

  it("says of every claim what it is based on, and of nothing else", () => {
    for (const row of TRANSITIONS) assert.equal(row.cause !== undefined, row.to === "claiming", row.name);
  });
});

describe("the table of knobs", () => {
  const elsewhere = AGENT.filter(({ path }) => !CONFIG_FILES.test(path));
  const words = new Set(elsewhere.flatMap(({ text }) => text.match(/[A-Za-z][A-Za-z0-9]*/g) ?? []));
  /** Knobs that reach the rest of the agent under another name than their own. */
  const carriers: Partial<Record<KnobName, string>> = { ROLE: "kind", PEERS: "peers", SECRET_ID: "secretId", SECRETS_FILE: "secret" };

  it("has no knob that nothing outside the configuration uses", () => {
    assert.deepEqual(KNOB_NAMES.filter((name) => !words.has(carriers[name] ?? fieldName(name))), []);
  });

  it("has sentences, a range for every number, and no example where the default says it", () => {
    for (const name of KNOB_NAMES) {
      const row = knobRow(name);
      assert.match(row.says, /[.]$/, name);
      if (["duration", "count", "size", "port"].includes(row.kind)) {
        assert.ok(row.min !== undefined && row.max !== undefined && row.min < row.max, name);
        assert.ok(typeof row.default === "number" && row.default >= row.min && row.default <= row.max, name);
      }
      assert.equal(row.kind === "duration", name.endsWith("_MS"), `${name}: the unit is in the name`);
      if (row.default === undefined) assert.ok(row.example, `${name} must be set, so it needs an example`);
    }
  });

  it("has no empty group", () => {
    for (const group of Object.keys(GROUPS)) assert.ok(KNOB_NAMES.some((name) => knobRow(name).group === group), group);
  });
});

describe("every source file", () => {
  it("under agent/ opens with what it is for and why", () => {
    assert.deepEqual(complaints(AGENT, ({ text }) => (/^(?:#!.*\n)?(?:\/\*\*|\/\/) ?\S?/.test(text) ? [] : ["starts without a comment"])), []);
  });

  it(`has at most ${FILE_LINES_MAX} lines`, () => {
    const lines = ({ text }: SourceFile): number => text.split("\n").filter((line) => line.trim() !== "").length;
    assert.deepEqual(complaints(EVERYTHING, (file) => (lines(file) > FILE_LINES_MAX ? [`${lines(file)} lines`] : [])), []);
  });

  it("exports by name, and its own things only", () => {
    const barrels = (file: SourceFile): readonly string[] =>
      nodesOf(file).flatMap((node) => {
        if (ts.isExportAssignment(node) || (node.kind === ts.SyntaxKind.DefaultKeyword && ts.canHaveModifiers(node.parent))) return ["default export"];
        return ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined ? [`passes on ${node.moduleSpecifier.getText()}`] : [];
      });
    assert.deepEqual(complaints(EVERYTHING, barrels), []);
  });

  it("imports local files with their extension", () => {
    assert.deepEqual(complaints(EVERYTHING, (file) => importsOf(file).filter((from) => from.startsWith(".") && !/\.(?:ts|js|json)$/.test(from))), []);
  });

  it("leaves nothing to be done later", () => {
    assert.deepEqual(complaints(textFiles(""), ({ path, text }) => (path === "package-lock.json" ? [] : text.split("\n").filter((line) => BANNED_WORDS.test(line)))), []);
  });

  it("tells nothing of the place where it was written", () => {
    /** The whole path, not the beginning of another's name. */
    const names = (line: string, place: string): boolean => line.split(place).slice(1).some((rest) => !/^[\w.-]*\w/.test(rest));
    assert.deepEqual(complaints(textFiles(""), ({ text }) => text.split("\n").filter((line) => REGISTRY_HOSTS.test(line) || PLACES_HERE.some((place) => names(line, place)))), []);
  });

  it("refers to no page that is not here", () => {
    const all = textFiles("");
    // The bench writes its pages; before its first run they are not there.
    const here = new Set([...all.map(({ path }) => path.split("/").at(-1)), "RESULTS.md", "RIVAL.md", "BAD-DAY.md", "SOAK.md"]);
    assert.deepEqual(complaints(all, ({ text }) => [...new Set(text.match(PAGE) ?? [])].filter((page) => !here.has(page))), []);
  });
});

describe("the layers", () => {
  const packageJson = JSON.parse(textFiles("").find(({ path }) => path === "package.json")?.text ?? "{}") as { readonly dependencies: Readonly<Record<string, string>> };
  const packageOf = (from: string): string => from.split("/").slice(0, from.startsWith("@") ? 2 : 1).join("/");

  it("let production code import only what is installed with it", () => {
    const foreign = (file: SourceFile): readonly string[] => importsOf(file).filter((from) => !from.startsWith(".") && !from.startsWith("node:") && !Object.hasOwn(packageJson.dependencies, packageOf(from)) && !INSTALLED_WITH_OTHERS.has(packageOf(from)));
    assert.deepEqual(complaints(AGENT, foreign), []);
  });

  it("install nothing that production code does not import", () => {
    const imported = new Set(AGENT.flatMap((file) => importsOf(file).map(packageOf)));
    assert.deepEqual(Object.keys(packageJson.dependencies).filter((name) => !imported.has(name)), []);
  });

  it("pin every dependency, because an update is a change that somebody reviews", () => {
    for (const [name, version] of Object.entries(packageJson.dependencies)) assert.match(version, /^\d+\.\d+\.\d+$/, name);
  });

  it("keep the adapters from knowing who uses them", () => {
    const upward = (file: SourceFile): readonly string[] => importsOf(file).filter((from) => from.startsWith("..") && !/^\.\.\/(?:core\/[a-z-]+|errors|ports)\.ts$/.test(from));
    assert.deepEqual(complaints(AGENT.filter(({ path }) => path.startsWith("agent/adapters/")), upward), []);
  });

  it("keep the Stasis app a program of its own: of the agent it uses the adapters, and the agent knows nothing of it", () => {
    const isApp = ({ path }: SourceFile): boolean => path.startsWith("agent/stasis-app/");
    const depth = ({ path }: SourceFile): string => "../".repeat(path.split("/").length - 2);
    const outward = (file: SourceFile): readonly string[] => importsOf(file).filter((from) => from.startsWith(depth(file)) && !from.startsWith(`${depth(file)}adapters/`) && ![`${depth(file)}errors.ts`, `../${depth(file)}package.json`].includes(from));
    assert.deepEqual(complaints(AGENT.filter(isApp), outward), []);
    assert.deepEqual(complaints(AGENT.filter((file) => !isApp(file)), (file) => importsOf(file).filter((from) => from.includes("stasis-app/"))), []);
  });

  it("keep what the Stasis app decides apart from what it does", () => {
    const decides = AGENT.filter(({ path }) => path.startsWith("agent/stasis-app/core/"));
    assert.ok(decides.length > 5);
    assert.deepEqual(complaints(decides, (file) => importsOf(file).filter((from) => from !== "zod" && from !== "../errors.ts" && !from.startsWith("./"))), []);
    assert.deepEqual(complaints(decides, (file) => nodesOf(file).filter((node) => ts.isAwaitExpression(node) || (ts.isIdentifier(node) && IMPURE.has(node.text) && !ts.isPropertyAccessExpression(node.parent) && !ts.isPropertyAssignment(node.parent))).map((node) => node.getText().slice(0, 60))), []);
  });

  it("keep production code from importing tests", () => {
    assert.deepEqual(complaints(AGENT, (file) => importsOf(file).filter((from) => /(?:^|\/)test\//.test(from))), []);
  });
});

describe("every test file", () => {
  const files = TESTS.filter(({ path }) => path.endsWith(".test.ts"));

  it("makes assertions, or runs a contract that does", () => {
    assert.deepEqual(complaints(files, ({ text }) => (/\bassert\b|\bdescribe\w+Contract\(/.test(text) ? [] : ["asserts nothing"])), []);
  });

  it("runs every test that it has", () => {
    const skipped = (file: SourceFile): readonly string[] =>
      nodesOf(file).filter(ts.isPropertyAccessExpression).map((node) => node.getText()).filter((text) => /^(?:describe|it|test|suite)\.(?:skip|only|todo)$/.test(text));
    assert.deepEqual(complaints(files, skipped), []);
  });

  it("lies flat in its folder, where the shell's pattern finds it", () => {
    assert.deepEqual(files.map(({ path }) => path).filter((path) => !/^test\/(?:unit|scenarios|simulation|contract|campaign|e2e|image)\/[a-z0-9-]+\.test\.ts$/.test(path)), []);
  });
});
