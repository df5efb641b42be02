import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { DECIDING_FILES, mutantsOf, mutated } from "../mutation/mutants.ts";
import { complaintsAbout, sentenceOf } from "../mutation/results.ts";
import { sampleOf } from "../mutation/sample.ts";
import { coreText } from "../mutation/sources.ts";
import { IncrementalResults } from "../mutation/incremental.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const becomes = (source: string): readonly string[] => mutantsOf("x.ts", source).map((mutant) => mutated(source, mutant));

describe("a mutant", () => {
  const cases: readonly [string, string, readonly string[]][] = [
    ["moves a boundary, and turns it around", "const f = (a: number): unknown => a < 1;", ["const f = (a: number): unknown => (a <= 1);", "const f = (a: number): unknown => (a >= 1);"]],
    ["leaves out one half of a condition", "const f = a && b;", ["const f = a;", "const f = b;"]],
    ["takes proof for ignorance", 'const v: Verdict = "down";', ['const v: Verdict = "unknown";']],
    ["takes one for all", "const f = xs.every(p);", ["const f = xs.some(p);"]],
    ["drops a gate", "const COMMON: readonly Gate[] = [one, two];", ["const COMMON: readonly Gate[] = [...[], two];", "const COMMON: readonly Gate[] = [one, ...[]];"]],
    ["opens and shuts a gate", "const g: Gate = { passes: ({ s }) => s, says: () => a && b };", ["const g: Gate = { passes: (() => true), says: () => a && b };", "const g: Gate = { passes: (() => false), says: () => a && b };"]],
    ["leaves a choice between two sentences alone", 'const f = a > 1 ? `${a} calls` : "one call";', []],
    ["takes a choice between a sentence and nothing for a decision", "const f = a ? `${b}` : null;", ["const f = (`${b}`);", "const f = null;"]],
    ["forgets one change of a state", "const s = { ...old, one: x, two: y };", ["const s = ({ ...old, two: y });", "const s = ({ ...old, one: x });"]],
  ];
  for (const [what, source, expected] of cases) it(what, () => assert.deepEqual(becomes(source), expected));

  it("ignores a guard, and takes it for granted", () => {
    assert.deepEqual(becomes("if (a < b) g();"), ["if (false) g();", "if (true) g();", "if ((a <= b)) g();", "if ((a >= b)) g();"]);
  });

  it("has a key of its own", () => {
    const keys = DECIDING_FILES.flatMap((file) => mutantsOf(file, coreText(file))).map(({ key }) => key);
    assert.ok(keys.length > 500, `only ${keys.length} mutants`);
    assert.equal(new Set(keys).size, keys.length);
  });

  it("is made of every row of the table and of every gate", () => {
    const rows = mutantsOf("transitions.ts", coreText("transitions.ts")).filter(({ kind }) => kind === "row");
    assert.ok(rows.length >= 3 * 11, `only ${rows.length} of rows`);
    const gates = mutantsOf("gates.ts", coreText("gates.ts")).filter(({ kind }) => kind === "gate");
    assert.ok(gates.length >= 2 * 16, `only ${gates.length} of gates`);
  });
});

describe("what is known of mutants", () => {
  const mutatedFiles = (text: string) => [{ file: "x.ts", text, keys: ["one", "two", "three"] }];
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  before(async () => { folder = await temporaryFolder(); });
  after(() => folder.remove());

  /** Results in which one is caught and two have survived, one of them with a reason. */
  function open(file: string, text: string, tests: string): IncrementalResults {
    return new IncrementalResults(join(folder.path, file), mutatedFiles(text), tests, (key) => key === "three");
  }

  function filled(file: string): void {
    const results = open(file, "text", "tests");
    results.note("one", "scenarios");
    results.note("two", "survived");
    results.note("three", "survived");
    results.save();
  }

  const all = (results: IncrementalResults): readonly unknown[] => ["one", "two", "three"].map((key) => results.of(key));

  it("is kept, so that a run that was cut goes on", () => {
    filled("kept.json");
    assert.deepEqual(all(open("kept.json", "text", "tests")), ["scenarios", "survived", "survived"]);
  });

  it("is asked again of a survivor without a reason when the tests have changed", () => {
    filled("tests.json");
    assert.deepEqual(all(open("tests.json", "text", "more tests")), ["scenarios", null, "survived"]);
  });

  it("is worth nothing when the file has changed", () => {
    filled("text.json");
    assert.deepEqual(all(open("text.json", "another text", "tests")), [null, null, null]);
  });
});

describe("a run of mutants", () => {
  const [first, second, third] = mutantsOf("x.ts", "const f = a && b || c;");
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const tried = [{ mutant: first, caught: { layer: "unit", test: "t" } }, { mutant: second, caught: null }] as const;

  it("complains of a survivor without a reason, and of a reason without a survivor", () => {
    assert.deepEqual(complaintsAbout(tried, false, { [second.key]: "why" }), []);
    assert.match(complaintsAbout(tried, false, {})[0] ?? "", /No test catches it/);
    assert.match(complaintsAbout(tried, true, { [second.key]: "why", [first.key]: "why" })[0] ?? "", /caught or gone/);
    assert.match(complaintsAbout(tried, true, { [second.key]: "why" })[0] ?? "", /Only 50.0 % are caught/);
  });

  it("is summed up in a sentence", () => {
    assert.equal(sentenceOf(tried), "1 of 2 mutants are caught (50.0 %): unit 1, scenarios 0, simulation 0, hang 0; 1 survive.");
  });

  it("can be a sample, the same for the same seed", () => {
    const all = Array.from({ length: 100 }, (_, index) => index);
    assert.deepEqual(sampleOf(all, 10, 3), sampleOf(all, 10, 3));
    assert.notDeepEqual(sampleOf(all, 10, 3), sampleOf(all, 10, 4));
    assert.equal(sampleOf(all, 10, 3).length, 10);
    assert.deepEqual(sampleOf(all, 1_000, 3), all);
  });
});
