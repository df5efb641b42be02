/** provisioning/README.md: its sums are right, its alarms are those that exist, and all fourteen defects are answered. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { METRIC_NAMES } from "../../agent/core/metrics.ts";

const ROOT = new URL("../../", import.meta.url);
const readme = readFileSync(new URL("provisioning/README.md", ROOT), "utf8");
const { alarms } = JSON.parse(readFileSync(new URL("provisioning/alarms/alarms.json", ROOT), "utf8")) as { readonly alarms: readonly { readonly id: string; readonly scope: string; readonly metric: string; readonly says: string; readonly remedy: string; readonly needs: string | null }[] };

interface Price {
  readonly item: string;
  readonly quantity: number;
  readonly each: number;
  readonly amount: number;
  readonly source: string;
}
const prices: readonly Price[] = [...readme.matchAll(/^\| ([^|]+) \| ([\d.]+) × ([\d.]+) \| ([\d.]+) \| ([^|]+) \|$/gm)].map(([, item = "", quantity, each, amount, source = ""]) => ({ item, quantity: Number(quantity), each: Number(each), amount: Number(amount), source }));
const price = (start: string): Price => {
  const found = prices.find(({ item }) => item.startsWith(start));
  assert.ok(found !== undefined, `no price of ${start}`);
  return found;
};
const total = (name: string): number => Number(new RegExp(`^\\| \\*\\*${name}\\*\\* \\| \\| \\*\\*([\\d.]+)\\*\\* \\|`, "m").exec(readme)?.[1]);
const cents = (amount: number): number => Math.round(amount * 100);

/** The prices between a table's head and its total. */
function summed(from: string, to: string): number {
  const part = prices.slice(prices.findIndex(({ item }) => item.startsWith(from)), prices.findIndex(({ item }) => item.startsWith(to)) + 1);
  assert.ok(part.length > 2);
  return part.reduce((sum, { amount }) => sum + cents(amount), 0);
}

describe("the costs in provisioning/README.md", () => {
  it("are products, each with its source", () => {
    assert.ok(prices.length > 18);
    for (const { item, quantity, each, amount, source } of prices) {
      assert.equal(cents(amount), cents(quantity * each), item);
      assert.match(source, /^(?:F|A|F, A)$/, item);
    }
  });

  it("add up", () => {
    assert.equal(summed("nodes,", "the Elastic IP"), cents(total("the pair itself")));
    assert.equal(summed("management addresses", "dashboard"), cents(total("the failover")));
    assert.equal(summed("a witness:", "its secret"), cents(total("with a witness, more")));
  });

  it("count the metrics and the alarms that there are", () => {
    assert.equal(price("metrics of the agents").quantity, 2 * METRIC_NAMES.length);
    const perNode = alarms.filter(({ scope, needs }) => (scope === "node" || scope === "instance") && needs === null).length;
    assert.equal(price("alarms on one metric").quantity, 2 * perNode);
    assert.equal(price("alarms on the sum").quantity, alarms.filter(({ scope }) => scope === "cluster").length);
  });

  it("reach the goal: the failover adds less than half of the pair's own price, with a witness, too", () => {
    assert.ok(total("the failover") + total("with a witness, more") < total("the pair itself") / 2);
    assert.ok(readme.includes(`That is ${Math.round((100 * total("the failover")) / total("the pair itself"))} % of the pair's own price.`));
    assert.ok(readme.includes(`from a pair of ${Math.ceil(2 * total("the failover"))} dollars a month on`));
  });
});

describe("the other tables of provisioning/README.md", () => {
  it("list every alarm as it is", () => {
    const rows = [...readme.matchAll(/^\| `([a-z-]+)` \| `(\w+)` \| (\w+) \| (.+) \| (.+) \|$/gm)].map(([, id, metric, scope, says, remedy]) => ({ id, metric, scope, says, remedy }));
    assert.deepEqual(rows, alarms.map(({ id, metric, scope, says, remedy }) => ({ id, metric, scope, says, remedy })));
  });

  it("list every policy and every document", () => {
    for (const file of readdirSync(new URL("provisioning/iam/", ROOT))) assert.ok(readme.includes(`\`${file}\``), file);
    for (const [, name = ""] of readFileSync(new URL("provisioning/terraform/pair/documents.tf", ROOT), "utf8").matchAll(/^ {4}(\w+)\s+= \{ file/gm)) assert.ok(readme.includes(`\`${name}\``), name);
  });

  it("answer the fourteen defects of the design that is replaced, and name tests that exist", () => {
    const rows = [...readme.matchAll(/^\| (\d+) \| .+ \| .+ \| (.+) \|$/gm)];
    assert.deepEqual(rows.map(([, number]) => Number(number)), Array.from({ length: 14 }, (_unused, index) => index + 1));
    const tests = new Set(["test/unit/", "test/contract/", "test/simulation/", "test/e2e/", "test/image/", "provisioning/terraform/pair/tests/"].flatMap((folder) => readdirSync(new URL(folder, ROOT))));
    for (const [, number, shown = ""] of rows) {
      const files = [...shown.matchAll(/`([\w.-]+\.(?:test\.ts|tftest\.hcl))`/g)].map(([, file = ""]) => file);
      assert.ok(files.length > 0, `row ${number ?? ""} names no test`);
      for (const file of files) assert.ok(tests.has(file), file);
    }
  });
});
