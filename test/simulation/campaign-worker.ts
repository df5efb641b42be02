/** The inside of a worker thread: a seed comes in, what became of it goes out. */
import { parentPort } from "node:worker_threads";
import { runCampaign } from "./campaign.ts";
import type { Job } from "./pool.ts";

parentPort?.on("message", ({ seed, minutes, transcript }: Job) => {
  parentPort?.postMessage(runCampaign(seed, minutes, transcript));
});
