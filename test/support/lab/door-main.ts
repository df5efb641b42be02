// Runs in a place of the lab and lets this machine's processes connect from there, as they can't change their own network namespace.
// Who connects to its Unix socket writes a line of JSON, where to and for how long to try, and reads one word and a line feed:
// `connected`, and the connection is its own from then on; else `refused` or `silent`, and that was all.
//
// Argument: the path of the socket.
import { connect, createServer, type Socket } from "node:net";
import process from "node:process";
import { splice } from "./splice.ts";

/** What the door is asked for. */
export interface DoorRequest {
  readonly host: string;
  readonly port: number;
  /** Milliseconds until it says `silent`. */
  readonly timeoutMs: number;
}

function lead(near: Socket, { host, port, timeoutMs }: DoorRequest): void {
  const far = connect({ host, port, timeout: timeoutMs });
  const giveUp = (word: string): void => {
    far.destroy();
    near.end(`${word}\n`);
  };
  near.on("error", () => far.destroy());
  far.on("timeout", () => giveUp("silent"));
  const failed = (error: NodeJS.ErrnoException): void => giveUp(error.code === "ECONNREFUSED" ? "refused" : "silent");
  far.on("error", failed);
  far.on("connect", () => {
    far.removeListener("error", failed);
    far.setTimeout(0);
    near.write("connected\n");
    splice(near, far);
  });
}

createServer((near) => {
  let line = "";
  near.on("error", () => near.destroy());
  // Who asks waits for the answer before it says more, so what comes in until then is the line and nothing else.
  near.setEncoding("utf8").on("data", function read(text: string) {
    line += text;
    if (!line.endsWith("\n")) return;
    near.off("data", read).pause();
    lead(near, JSON.parse(line) as DoorRequest);
  });
}).listen(process.argv[2] ?? "", () => { console.log("open"); });
