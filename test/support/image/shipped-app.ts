// The Stasis app that the image brings, switched on as an operator does it: by a file of settings beside the agent's. The machines have
// no database here, which the app says, and waits for.
import { readFileSync } from "node:fs";
import { ADDRESS, type Place } from "../lab/addresses.ts";
import { labFetch } from "../lab/fetch.ts";
import { waitUntil } from "../wait-until.ts";
import type { ImagePair } from "./image-pair.ts";
import { pm2Programs } from "./machine-checks.ts";

type NodeName = "node-a" | "node-b";

const FOLDER = "/etc/asterisk-node-agent";
export const API_PORT = 8092;
const CAMPAIGN = readFileSync(new URL("../../../agent/stasis-app/samples/autumn-appeal.json", import.meta.url), "utf8");

/** Writes the app's settings and a campaign as user data and an operator do, and starts pm2 again, which then runs both programs. */
export async function switchAppOn(image: ImagePair, name: NodeName): Promise<void> {
  const settings = `APP_LISTEN=${ADDRESS[name]}:${API_PORT}\nDATABASE_HOST=127.0.0.1\n`;
  const script = `umask 027; mkdir -p ${FOLDER}/campaigns; cat > ${FOLDER}/campaigns/autumn-appeal.json; printf '${settings.replaceAll("\n", "\\n")}' > ${FOLDER}/stasis-app.env; chgrp -R node-agent ${FOLDER}; systemctl restart node-pm2`;
  await image.machine(name).run("sh", ["-c", script], { input: CAMPAIGN, timeoutMs: 40_000 });
}

/** Takes them away again: without settings pm2 runs the agent alone. */
export async function switchAppOff(image: ImagePair, name: NodeName): Promise<void> {
  await image.machine(name).run("sh", ["-c", `rm -r ${FOLDER}/campaigns ${FOLDER}/stasis-app.env; systemctl restart node-pm2`], { timeoutMs: 40_000 });
}

/** What the app's API says of the app, asked from a place of the lab. Rejects where nothing answers. */
export async function appHealth(image: ImagePair, from: Place, name: NodeName): Promise<{ readonly asterisk: boolean; readonly database: boolean; readonly role: string }> {
  return JSON.parse((await labFetch(image.pair.lab, from, `http://${ADDRESS[name]}:${API_PORT}/health`)).body) as { asterisk: boolean; database: boolean; role: string };
}

/** The processes of pm2's programs that run, by name, numbered as inside. */
export async function runningPrograms(image: ImagePair, name: NodeName): Promise<ReadonlyMap<string, number>> {
  return new Map((await pm2Programs(image.machine(name))).filter(({ pm2_env }) => pm2_env.status === "online").map(({ name: program, pid }) => [program, pid]));
}

/** Kills a program and waits until pm2 runs another one. */
export async function untilRestarted(image: ImagePair, name: NodeName, program: string): Promise<void> {
  const pid = (await runningPrograms(image, name)).get(program) ?? 0;
  await image.machine(name).run("kill", ["-KILL", String(pid)]);
  await waitUntil(`another ${program}`, async () => ![undefined, 0, pid].includes((await runningPrograms(image, name)).get(program)), 20_000);
}
