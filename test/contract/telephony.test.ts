/** The telephony adapter against the stand-in, which runs as a process, so that it can be frozen and killed. */
import { join } from "node:path";
import { StandInProcess } from "../support/asterisk-stand-in/stand-in-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { describeTelephonyContract, type TestAsterisk } from "./telephony-contract.ts";

async function makeStandIn(): Promise<TestAsterisk> {
  const folder = await temporaryFolder();
  const options = { nodeId: "node-a", username: "agent", password: "stand-in-pass", controlSocketPath: join(folder.path, "asterisk.ctl") };
  let process = await StandInProcess.start(options);
  const { ariUrl, sipPort } = process;
  return {
    ...options,
    ariUrl,
    start: async () => {
      process = await StandInProcess.start({ ...options, sipPort, httpPort: Number(new URL(ariUrl).port) });
    },
    kill: () => process.kill(),
    freeze: () => process.freeze(),
    thaw: () => process.thaw(),
    remove: async () => {
      await process.kill();
      await folder.remove();
    },
  };
}

describeTelephonyContract("the stand-in", makeStandIn);
