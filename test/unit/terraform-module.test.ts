/** What must hold of the pair, read from its files: nothing open that need not be, nothing unencrypted, nothing that moves the address. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { MARK_TAG } from "../../agent/adapters/ec2-translation.ts";
import { KNOB_NAMES, KNOBS } from "../../agent/knobs.ts";
import { parseSettings, SETTING_NAMES } from "../../agent/stasis-app/settings.ts";
import { blocksOf } from "../support/hcl/provider-schema.ts";
import { allModules, readModule, type Block, type Body, type Module } from "../support/hcl/read-hcl.ts";

const modules = await allModules();
const pair = await readModule("pair");
const complete = await readModule("examples/complete");

const named = (module: Module, type: string, name: string): Body => {
  const block = module.resources.find((one) => one.type === type && one.name === name);
  assert.ok(block !== undefined, `${type}.${name} is missing`);
  return block.body;
};
const ofType = (module: Module, type: string): readonly Block[] => module.resources.filter((one) => one.type === type);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const everyResource = modules.flatMap((module) => module.resources.map((block) => ({ module, block })));

describe("variables and outputs", () => {
  for (const module of modules) {
    it(`of ${module.name} are typed, described and validated`, () => {
      for (const { name, body } of module.variables) {
        assert.equal(typeof body["type"], "string", `${name} has no type`);
        assert.notEqual(body["type"], "${any}", `${name} takes anything`);
        assert.ok(text(body["description"]).length > 15, `${name} is not described`);
        if (body["type"] === "${bool}") continue; // its type is its validation
        const validations = blocksOf(body["validation"]);
        assert.ok(validations.length > 0, `${name} is not validated`);
        // Before Terraform 1.9 a condition may refer to its own variable and to nothing else.
        for (const one of validations) assert.doesNotMatch(text(one["condition"]).replaceAll(`var.${name}`, ""), /\b(?:var|local|data|path|module)\./, `${name}: the condition refers to something else`);
        for (const one of validations) assert.match(String(one["error_message"]), new RegExp(`^${name}\\b.*\\.$`), `${name}: the message must name it and be a sentence`);
      }
      for (const { name, body } of module.outputs) assert.ok(text(body["description"]).length > 10, `output ${name} is not described`);
      assert.ok(module.outputs.length > 0);
    });

    it(`of ${module.name} hold Terraform to 1.5 or newer and the provider to 5 and 6`, () => {
      const [settings] = module.settings;
      assert.equal(settings?.["required_version"], ">= 1.5");
      assert.match(JSON.stringify(settings), /"source":"hashicorp\/aws","version":">= 5\.\d+, < 7\.0"/);
    });
  }

  it("have no default that is a password, a network of the whole world, or an address", () => {
    for (const module of modules) {
      for (const { name, body } of module.variables) {
        const fallback = JSON.stringify(body["default"] ?? null);
        assert.doesNotMatch(fallback, /0\.0\.0\.0\/0|password|secret(?!smanager)|@/i, `${module.name}: ${name}`);
      }
    }
  });
});

describe("the machines", () => {
  for (const name of ["node", "witness"]) {
    it(`(${name}) ask for a metadata token, show their tags there, and are encrypted`, () => {
      const machine = named(pair, "aws_instance", name);
      assert.deepEqual(blocksOf(machine["metadata_options"]), [{ http_endpoint: "enabled", http_tokens: "required", http_put_response_hop_limit: 1, instance_metadata_tags: "enabled" }]);
      assert.equal(blocksOf(machine["root_block_device"])[0]?.["encrypted"], true);
      assert.equal(machine["monitoring"], true);
      assert.equal(machine["key_name"], undefined, "no SSH key");
    });

    it(`(${name}) are neither stopped nor replaced by an image, by settings, or by the address coming and going`, () => {
      const lifecycle = blocksOf(named(pair, "aws_instance", name)["lifecycle"])[0];
      for (const argument of ["ami", "user_data", "associate_public_ip_address"]) assert.ok((lifecycle?.["ignore_changes"] as string[]).some((one) => one.includes(argument)), argument);
      assert.match(String(lifecycle?.["replace_triggered_by"]), /terraform_data\.revision\[each\.key\]/);
      assert.equal(named(pair, "aws_instance", name)["user_data_replace_on_change"], false);
    });
  }

  it("are protected from termination by default, and have an interface of their own making", () => {
    const node = named(pair, "aws_instance", "node");
    assert.equal(node["disable_api_termination"], "${var.termination_protection}");
    assert.equal(pair.variables.find(({ name }) => name === "termination_protection")?.body["default"], true);
    // An interface that outlived its instance would hold the address without an instance: nobody's, yet not free.
    assert.deepEqual(ofType(pair, "aws_network_interface"), []);
  });

  it("boot only after their permissions and their secret are there", () => {
    assert.deepEqual(named(pair, "aws_instance", "node")["depends_on"], ["${aws_iam_role_policy.agent}", "${aws_iam_role_policy.machine}", "${aws_secretsmanager_secret_version.generated}"]);
  });
});

describe("the address that phones know", () => {
  it("is never attached, detached or made by the module", () => {
    for (const { name, body } of ofType(pair, "aws_eip_association")) assert.match(String(body["allocation_id"]), /^\$\{each\.value\.id\}$/, name);
    for (const { name, body } of ofType(pair, "aws_eip_association")) assert.equal(body["allow_reassociation"], false, name);
    for (const { name } of ofType(pair, "aws_eip")) assert.ok(["management", "witness"].includes(name), name);
    assert.deepEqual(ofType(complete, "aws_eip_association"), []);
    assert.doesNotMatch([...pair.texts.values()].join("\n"), /disassociate/i);
  });

  it("keeps its association and its tags, the alive mark among them, where an example makes it, and can't be destroyed", () => {
    const lifecycle = blocksOf(named(complete, "aws_eip", "phones")["lifecycle"])[0];
    assert.equal(lifecycle?.["prevent_destroy"], true);
    assert.deepEqual([...(lifecycle["ignore_changes"] as string[])].map((one) => one.replace(/^\$\{|\}$/g, "")).sort(), ["associate_with_private_ip", "instance", "network_interface", "tags", "tags_all"]);
    assert.ok(MARK_TAG.length > 0);
  });
});

describe("security groups", () => {
  const ingress = modules.flatMap((module) => ofType(module, "aws_vpc_security_group_ingress_rule"));
  const rules = modules.flatMap((module) => [...ofType(module, "aws_vpc_security_group_ingress_rule"), ...ofType(module, "aws_vpc_security_group_egress_rule")]);

  it("have no rules but described ones of one protocol each", () => {
    for (const { module, block } of everyResource) {
      if (block.type !== "aws_security_group") continue;
      assert.equal(block.body["ingress"] ?? block.body["egress"], undefined, `${module.name}: ${block.name} has rules in line`);
    }
    for (const { name, body } of rules) {
      assert.ok(String(body["description"]).length > 10, name);
      assert.notEqual(body["ip_protocol"], "-1", `${name} lets everything through`);
      assert.ok(body["from_port"] !== undefined && body["to_port"] !== undefined, name);
    }
  });

  it("let nobody in from everywhere, and nobody to SSH, ARI, AMI or the status port", () => {
    for (const { name, body } of ingress) {
      assert.doesNotMatch(JSON.stringify(body), /0\.0\.0\.0\/0|::\/0/, name);
      for (const port of [22, 8088, 8089, 5038, 8091]) assert.notEqual(body["from_port"], port, name);
    }
  });

  it("let in callers' SIP and media, the members' probes and heartbeats, and nothing else", () => {
    const onNodes = ofType(pair, "aws_vpc_security_group_ingress_rule").filter(({ body }) => body["security_group_id"] === "${aws_security_group.node.id}");
    assert.deepEqual(onNodes.map(({ name }) => name).sort(), ["heartbeat_node", "outside_check", "probe_private", "probe_public", "rtp", "sip", "stasis_app_api"]);
  });

  it("let in to the Stasis app's API whom the variable names, which are private networks", () => {
    const rule = named(pair, "aws_vpc_security_group_ingress_rule", "stasis_app_api");
    assert.match(String(rule["for_each"]), /var\.stasis_app_api_cidrs/);
    assert.equal(rule["from_port"], "${local.stasis_app_port}");
    const variable = pair.variables.find(({ name }) => name === "stasis_app_api_cidrs")?.body;
    assert.deepEqual(variable?.["default"], []);
    assert.match(JSON.stringify(variable["validation"]), /10.*172.*192.*168/);
  });

  it("let heartbeats come from the members' groups only", () => {
    for (const name of ["heartbeat_node", "heartbeat_witness"]) {
      const rule = named(pair, "aws_vpc_security_group_ingress_rule", name);
      assert.equal(rule["from_port"], "${local.heartbeat_port}");
      assert.equal(rule["cidr_ipv4"], undefined);
      assert.match(String(rule["referenced_security_group_id"]), /local\.member_groups|aws_security_group\.node\.id/);
    }
  });

  it("let probes in from the members' private and own public addresses, single ones", () => {
    assert.match(String(named(pair, "aws_vpc_security_group_ingress_rule", "probe_private")["referenced_security_group_id"]), /member_groups/);
    assert.match(String(named(pair, "aws_vpc_security_group_ingress_rule", "probe_public")["cidr_ipv4"]), /\/32$/);
  });
});

describe("the image's firewall and the security group", () => {
  it("agree on the ports", () => {
    const firewall = readFileSync(new URL("../../packer/rootfs/etc/nftables.conf", import.meta.url), "utf8");
    const { sip_port: sip, sip_tls_port: tls, heartbeat_port: heartbeat, rtp_ports: rtp } = pair.locals as Readonly<Record<string, number>> & { readonly rtp_ports: { readonly from: number; readonly to: number } };
    assert.ok(firewall.includes(`tcp dport ${String(pair.locals["stasis_app_port"])} ip saddr { 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 } accept`));
    for (const rule of [`udp dport ${String(sip)} accept`, `tcp dport { ${String(sip)}, ${String(tls)} } accept`, `udp dport ${rtp.from}-${rtp.to} accept`, `tcp dport ${String(heartbeat)} ip saddr @members accept`]) assert.ok(firewall.includes(rule), `the firewall has no rule: ${rule}`);
  });
});

describe("what is kept and sent", () => {
  it("is encrypted with the cluster's key, and logs have an end", () => {
    assert.equal(named(pair, "aws_kms_key", "this")["enable_key_rotation"], true);
    for (const { name, body } of ofType(pair, "aws_secretsmanager_secret")) assert.equal(body["kms_key_id"], "${local.kms_key_arn}", name);
    assert.equal(named(pair, "aws_sns_topic", "alarms")["kms_master_key_id"], "${local.kms_key_arn}");
    const group = named(pair, "aws_cloudwatch_log_group", "this");
    assert.deepEqual([group["kms_key_id"], group["retention_in_days"]], ["${local.kms_key_arn}", "${var.log_retention_days}"]);
  });

  it("has generated secrets, which no later plan takes back", () => {
    for (const { name, body } of ofType(pair, "aws_secretsmanager_secret_version")) {
      assert.match(String(body["secret_string"]), /random_password|aws_secretsmanager_secret_version\.generated/, name);
      assert.deepEqual(blocksOf(body["lifecycle"])[0]?.["ignore_changes"], ["${secret_string}"], name);
    }
  });

  it("has a database in two zones, encrypted, closed, backed up, whose master password nobody has typed", () => {
    const database = named(complete, "aws_db_instance", "this");
    assert.deepEqual(
      ["multi_az", "storage_encrypted", "publicly_accessible", "deletion_protection", "manage_master_user_password", "skip_final_snapshot", "password"].map((name) => database[name]),
      [true, true, false, true, true, false, undefined],
    );
    assert.ok(Number(database["backup_retention_period"]) >= 7);
  });

  it("carries the tags Environment, Project and, on machines, Role", () => {
    const tags = JSON.stringify(pair.locals["tags"]);
    for (const name of ["Project", "Environment", "ClusterId"]) assert.match(tags, new RegExp(name));
    for (const { block } of everyResource.filter(({ module }) => module === pair)) {
      const taggable = !["terraform_data", "aws_ec2_tag", "aws_eip_association", "aws_iam_role_policy", "aws_kms_alias", "aws_secretsmanager_secret_version", "aws_sns_topic_policy", "aws_sns_topic_subscription", "aws_cloudwatch_dashboard"].includes(block.type);
      if (taggable) assert.match(JSON.stringify(block.body["tags"] ?? ""), /local\.tags/, `${block.type}.${block.name}`);
    }
    for (const name of ["node", "witness"]) assert.match(JSON.stringify(named(pair, "aws_instance", name)["tags"]), /Role/);
  });
});

describe("settings that the module writes", () => {
  it("are knobs of the agent, and the defaults agree", () => {
    const environment = pair.texts.get("environment.tf") ?? "";
    const written = [...environment.matchAll(/^\s+([A-Z][A-Z0-9_]+)\s+=/gm), ...environment.matchAll(/\{ ([A-Z][A-Z0-9_]+) =/g)].map(([, name = ""]) => name);
    assert.ok(written.length > 12);
    for (const name of written) assert.ok((KNOB_NAMES as readonly string[]).includes(name), `${name} is no knob`);
    const fallback = (name: string): unknown => pair.variables.find((one) => one.name === name)?.body["default"];
    assert.equal(fallback("metrics_namespace"), KNOBS.METRICS_NAMESPACE.default);
    assert.equal(pair.locals["sip_port"], KNOBS.PEER_SIP_PORT.default);
    assert.equal(`0.0.0.0:${Number(pair.locals["heartbeat_port"])}`, KNOBS.LISTEN.default);
  });

  it("of the Stasis app are settings of the app, which has a default for each", () => {
    const written = [...(pair.texts.get("stasis-app.tf") ?? "").matchAll(/\b(APP_[A-Z_]+)\s+=/g)].map(([, name = ""]) => name);
    assert.deepEqual(written.toSorted(), ["APP_LISTEN", "APP_SINK", "APP_SNS_TOPICS"]);
    for (const name of written) assert.ok((SETTING_NAMES as readonly string[]).includes(name), name);
    assert.doesNotThrow(() => parseSettings({ CLUSTER_ID: "demo", NODE_ID: "node-a", SECRETS_FILE: "/x", DATABASE_HOST: "db" }), "an empty file will do");
  });

  it("can't be overruled by `settings`", () => {
    const guarded = JSON.stringify(pair.variables.find(({ name }) => name === "settings")?.body);
    const written = [...(pair.texts.get("environment.tf") ?? "").matchAll(/^\s+([A-Z][A-Z0-9_]+)\s+=|\{ ([A-Z][A-Z0-9_]+) =/gm)].map(([, first, second]) => first ?? second ?? "");
    // REFERENCE_PUBLIC may be given: then the module uses what it was given.
    for (const name of ["PEER_INSTANCES", "INSTANCE_ID", ...written.filter((one) => one !== "REFERENCE_PUBLIC")]) assert.match(guarded, new RegExp(`\\b${name}\\b`));
  });
});

describe("the repository of Terraform files", () => {
  it("has no secret, no account number and no address of anybody", () => {
    const example = readFileSync(new URL("../../provisioning/terraform/examples/existing-eip/terraform.tfvars.example", import.meta.url), "utf8");
    for (const content of [...modules.flatMap((module) => [...module.texts.values()]), example]) {
      assert.doesNotMatch(content, /AKIA[A-Z0-9]{16}|BEGIN [A-Z ]*PRIVATE KEY|password\s*=\s*"[^"$]/i);
      assert.doesNotMatch(content.replaceAll("123456789012", ""), /\b\d{12}\b/);
    }
  });
});
