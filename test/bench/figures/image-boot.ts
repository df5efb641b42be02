/** How long a machine made from the node image takes from power-on until it is heard, and until it can take calls. */
import { openImagePair, type ImagePair } from "../../support/image/image-pair.ts";
import { cachedImage } from "../../support/image/image.ts";
import { monotonicMs } from "../../support/lab/clock.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { pause } from "../fault-pair.ts";
import type { Bench, Figure } from "../figure.ts";
import { FAULT_KNOBS } from "../lab-knobs.ts";
import { parseLog, type LogLine } from "../log-tail.ts";
import { repeated } from "../repeated.ts";

/** A boot takes seconds, and nothing in it is left to chance: more runs than these say nothing new. */
const RUNS_MAX = 5;
/** Between two looks at the status page: the precision of the figure. */
const LOOK_EVERY_MS = 100;
const SERVING_WITHIN_MS = 90_000;

export const imageBoot: Figure = {
  name: "image-boot",
  title: "power-on of a machine → its Asterisk can take calls",
  unit: "ms",
  goal: { statistic: "max", atMost: 20_000 },
  lab: true,
  obstacle: async () => ((await cachedImage()) === null ? "there is no image of these files in the cache; `npm test image` builds one" : null),
  measure: async (bench) => {
    // A pair of the lab would take the cores that a booting machine needs.
    await bench.release();
    const { results: boots, failures } = await repeated(bench, {
      name: "boot",
      runs: Math.min(bench.runs, RUNS_MAX),
      once: () => oneBoot(bench),
      says: (boot) => `heard after ${Math.round(boot.heardMs)} ms, serving after ${Math.round(boot.servingMs)} ms`,
    });
    const compiled = await compileNote(bench);
    // What is measured next has the machine for itself.
    await bench.release();
    return {
      samples: boots.map(({ servingMs }) => servingMs),
      failures,
      notes: [
        "From the start of the machine (systemd-nspawn, the image's own systemd and units) until its agent says `serving`. The standby is booted beside a running active; EC2 takes 50 ms for a read. An instance adds its firmware and kernel, which are not the image's.",
        compiled,
      ],
      parts: [
        { name: "its agent has started", samples: boots.map(({ startedMs }) => startedMs) },
        { name: "the active has its first heartbeat", samples: boots.map(({ heardMs }) => heardMs) },
      ],
      knobs: FAULT_KNOBS,
    };
  },
};

interface Boot {
  readonly startedMs: number;
  readonly heardMs: number;
  readonly servingMs: number;
}

/** The machines, opened once; node-b is the one that is booted again and again. */
function machines(bench: Bench): Promise<ImagePair> {
  return bench.resource("image pair", async () => {
    const image = await openImagePair({ knobs: FAULT_KNOBS });
    try {
      await image.pair.steady("node-a", SERVING_WITHIN_MS);
    } catch (error) {
      await image.close();
      throw error;
    }
    return image;
  });
}

async function oneBoot(bench: Bench): Promise<Boot> {
  const image = await machines(bench);
  await image.pair.steady("node-a", SERVING_WITHIN_MS);
  await image.machine("node-b").die();
  await pause(1_000 + 1_000 * Math.random());
  const atMs = monotonicMs();
  await image.boot("node-b");
  const servingAtMs = await waitUntil("node-b to serve", async () => {
    await pause(LOOK_EVERY_MS);
    const view = await image.pair.status("node-b").catch(() => null);
    return view?.health?.serving === "serving" && monotonicMs();
  }, SERVING_WITHIN_MS);
  const started = (await logOf(image, "node-b", "agent-started")).find((line) => line.monoMs >= atMs);
  const heard = await waitUntil("a heartbeat of node-b", async () => (await logOf(image, "node-a", "heartbeat-received")).find((line) => line.from === "node-b" && line.monoMs >= atMs), SERVING_WITHIN_MS);
  if (started === undefined) throw new Error("the agent's log does not say when it had started");
  return { startedMs: started.monoMs - atMs, heardMs: heard.monoMs - atMs, servingMs: servingAtMs - atMs };
}

async function logOf(image: ImagePair, name: "node-a" | "node-b", event: string): Promise<readonly LogLine[]> {
  const { stdout } = await image.machine(name).run("grep", ["-F", `"event":"${event}"`, "/var/log/asterisk-node-agent/agent.log"], { accept: [1] });
  return parseLog(stdout).filter((line) => line.event === event);
}

/** What a userdata build spends at each boot, beside what this image's Asterisk took, once. */
async function compileNote(bench: Bench): Promise<string> {
  const { stdout } = await (await machines(bench)).machine("node-a").run("sed", ["-n", "s/^COMPILE_CPU_SECONDS=//p", "/usr/share/asterisk/build-options"]);
  return `Compiling the Asterisk of this image, with the modules that its configuration loads, took ${stdout.trim()} s of one core's time, once, when the image was built. A machine that compiles all of it in its userdata spent 533 s on two such cores (configure 42, make 473, install 18) at every boot, and downloads came on top.`;
}
