// Short commands, run to their end: the lab is mostly `ip`, `nft` and `apt-get`, and each of them must either succeed
// or fail with its own words in the error, because "exit code 1" of an `nft` transaction tells nobody anything.
import { spawn } from "node:child_process";

export interface RunOptions {
  /** Text for the command's standard input; none by default. */
  readonly input?: string;
  /** Ends the command with SIGKILL after this many milliseconds; the default is 30 000. */
  readonly timeoutMs?: number;
  /** Also accept these exit codes (0 always is). */
  readonly accept?: readonly number[];
  /** Called with each line of output as it comes, for commands that take minutes. */
  readonly onLine?: (line: string) => void;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command and resolves with its output. Rejects if it can't start, takes too long or exits with a code that is not accepted. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    const timeoutMs = options.timeoutMs ?? 30_000;
    let stdout = "";
    let stderr = "";
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    const watch = (take: (text: string) => void) => {
      let rest = "";
      return (chunk: string) => {
        take(chunk);
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) options.onLine?.(line);
      };
    };
    child.stdout.setEncoding("utf8").on("data", watch((text) => { stdout += text; }));
    child.stderr.setEncoding("utf8").on("data", watch((text) => { stderr += text; }));
    child.on("error", (cause) => {
      clearTimeout(timer);
      reject(new Error(`${command} could not be started`, { cause }));
    });
    child.on("close", (exitCode, signal) => {
      clearTimeout(timer);
      const code = exitCode ?? -1;
      if (code === 0 || options.accept?.includes(code) === true) {
        resolve({ code, stdout, stderr });
        return;
      }
      const why = timedOut ? `took longer than ${timeoutMs} ms` : `ended with ${exitCode ?? signal ?? "nothing"}`;
      reject(new Error(`${command} ${args.join(" ")} ${why}: ${lastLines(stderr || stdout)}`));
    });
    // A command that exits before it has read its input breaks the pipe; its exit code says more than the EPIPE.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
  });
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-12).join("\n");
}
