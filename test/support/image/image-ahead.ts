// The node image, built while other tests run, so that the minutes of its compiler are taken from their waiting. The build has the
// lowest priority that the machine knows: a test that wants a core gets it at once.
import { spawn } from "node:child_process";
import process from "node:process";

/** A class that runs only when nothing else wants to. By itself it counts inside a session only, where the kernel groups tasks by session; hence the first line. */
const LAST_OF_ALL = 'echo 19 > /proc/self/autogroup 2> /dev/null || true; exec nice -n 19 chrt --idle 0 "$@"';

export interface ImageAhead {
  /** Resolves when the build is over, with whether there is an image; what it said is printed then. */
  done(): Promise<boolean>;
}

/** Starts building the image of these files into the cache; the tools for that must be there (`ensureImageTools`). The build ends with this process. */
export function buildImageAhead(): ImageAhead {
  const command = [process.execPath, "--import", "tsx", "test/support/image/build-image.ts"];
  // A session of its own, so that all of it can be ended at once.
  const child = spawn("sh", ["-c", LAST_OF_ALL, "sh", ...command], { stdio: ["ignore", "pipe", "pipe"], detached: true });
  const said: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part: Buffer) => said.push(part));
  const over = new Promise<boolean>((resolve) => {
    child.on("error", (error) => { said.push(Buffer.from(`${error.message}\n`)); resolve(false); });
    child.on("close", (code) => { resolve(code === 0); });
  });
  const end = (): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGTERM");
  };
  process.once("exit", end);
  const signals = (["SIGINT", "SIGTERM"] as const).map((signal) => [signal, (): void => process.exit(1)] as const);
  for (const [signal, leave] of signals) process.once(signal, leave);
  return {
    done: async () => {
      const made = await over;
      process.off("exit", end);
      for (const [signal, leave] of signals) process.off(signal, leave);
      process.stderr.write(Buffer.concat(said));
      return made;
    },
  };
}
