/** All figures, in the order in which they are measured and shown. */
import { probesCost } from "./figures/asterisk-cost.ts";
import { asteriskHung } from "./figures/asterisk-hung.ts";
import { asteriskKilled } from "./figures/asterisk-killed.ts";
import { addressReads, dryRuns, metricPuts } from "./figures/aws-calls.ts";
import { callersOutage } from "./figures/callers-outage.ts";
import { cpu } from "./figures/cpu.ts";
import { firstHeartbeat } from "./figures/first-heartbeat.ts";
import { imageBoot } from "./figures/image-boot.ts";
import { flood } from "./figures/flood.ts";
import { memory } from "./figures/memory.ts";
import { nodeGone } from "./figures/node-gone.ts";
import { phoneRings } from "./figures/phone-rings.ts";
import { rosterAgent, rosterAsterisk, rosterLink } from "./figures/roster.ts";
import { stasisAppCpu, stasisAppCrowd, stasisAppDial, stasisAppKey, stasisAppMemory, stasisAppSetUp } from "./figures/stasis-app.ts";
import { switchoverGap } from "./figures/switchover-gap.ts";
import type { Figure } from "./figure.ts";

export const FIGURES: readonly Figure[] = [asteriskKilled, nodeGone, callersOutage, phoneRings, asteriskHung, switchoverGap, flood, firstHeartbeat, imageBoot, probesCost, memory, cpu, addressReads, metricPuts, dryRuns, rosterAsterisk, rosterLink, rosterAgent, stasisAppDial, stasisAppKey, stasisAppSetUp, stasisAppCpu, stasisAppMemory, stasisAppCrowd];
