import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nameProblems, nearestKnob } from "../../agent/config-names.ts";
import { KNOB_NAMES } from "../../agent/knobs.ts";

describe("names that look like knobs", () => {
  it("are found in the file whatever they are", () => {
    assert.match(nameProblems(["FAVOURITE_COLOUR"], []).join(), /^FAVOURITE_COLOUR is not a setting of this agent\. Take it out/);
  });

  it("are told the knob that was probably meant", () => {
    const meant = { PEER_LSOT_AFTER_MS: "PEER_LOST_AFTER_MS", PEER_LOST_AFTER: "PEER_LOST_AFTER_MS", HOLD_DOWN_SECONDS: "HOLD_DOWN_MS", node_id: "NODE_ID", AWS_REGOIN: "AWS_REGION", PEERS_INSTANCES: "PEER_INSTANCES", SECRETS_ID: "SECRET_ID" };
    for (const [name, knob] of Object.entries(meant)) {
      assert.match(nameProblems([name], []).join(), new RegExp(`^${name} .*Did you mean ${knob}\\?$`));
      assert.match(nameProblems([], [name]).join(), new RegExp(`^${name} .*Did you mean ${knob}\\?$`));
    }
  });

  it("are left alone in the environment when they are other programs'", () => {
    const others = ["PATH", "HOME", "LANG", "TERM", "USER", "USERNAME", "SHELL", "NODE_ENV", "NODE_OPTIONS", "NODE_APP_INSTANCE", "LISTEN_PID", "LISTEN_FDS", "INVOCATION_ID", "JOURNAL_STREAM", "PM2_HOME", "pm_id", "name", "instances", "instance_var", "namespace", "status", "merge_logs", "AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL", "AWS_PROFILE", "AGENT_ENV_FILE", "npm_config_registry"];
    assert.deepEqual(nameProblems([], others), []);
  });

  it("may be the SDK's own in both places", () => {
    assert.deepEqual(nameProblems(["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_SERVICE_ENDPOINT"], ["AWS_ENDPOINT_URL"]), []);
  });

  it("are refused in both places when they belong into the secret, with a word on where to put them", () => {
    for (const name of ["ARI_PASSWORD", "HEARTBEAT_KEYS"]) {
      for (const problems of [nameProblems([name], []), nameProblems([], [name])]) assert.match(problems.join(), /must not be set .*Put it into the secret \(SECRET_ID/);
    }
    assert.match(nameProblems(["CARRIER_TOKEN"], []).join(), /Put it into the secret/);
  });

  it("is told once when file and environment both have it", () => {
    assert.equal(nameProblems(["PEER_LOST_AFTER"], ["PEER_LOST_AFTER"]).length, 1);
  });

  it("never include a knob", () => {
    assert.deepEqual(nameProblems(KNOB_NAMES, KNOB_NAMES), []);
  });

  it("are not confused with a short knob", () => {
    for (const name of ["HOLE", "ROLL", "PEER", "USERS", "TIMINGS"]) assert.equal(nearestKnob(name) === "ROLE" || nearestKnob(name) === "PEERS", false, name);
  });
});
