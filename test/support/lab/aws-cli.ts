// The real AWS CLI, from the Debian root that also has moto. It runs a script of commands against an endpoint, or only parses them.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rootedCommand } from "./rooted.ts";
import { ensureRoot } from "./roots.ts";
import { run, type RunResult } from "./run.ts";

/**
 * Runs a shell script in which `aws` is the CLI, with invented credentials. Rejects with the script's last words when it fails.
 * @param endpoint null: every command is only parsed and validated by the CLI, and sent to nobody
 */
export async function runAwsScript(script: string, endpoint: string | null): Promise<RunResult> {
  const root = await ensureRoot("cloud", (line) => process.stderr.write(`aws: ${line}\n`));
  const mountpoint = await mkdtemp(join(tmpdir(), "aws-cli-"));
  try {
    await mkdir(mountpoint, { recursive: true });
    // Nobody listens at port 9: a command that the CLI accepts gets as far as that, and one that it refuses does not.
    const parseOnly = 'aws() { local said; said=$(command aws "$@" --endpoint-url http://127.0.0.1:9 2>&1) || true; case $said in *"Could not connect to the endpoint URL"*) ;; *) echo "$said" >&2; return 1 ;; esac; }\nexport AWS_MAX_ATTEMPTS=1\n';
    const settings = "export AWS_ACCESS_KEY_ID=operator AWS_SECRET_ACCESS_KEY=not-a-secret AWS_PAGER= AWS_EC2_METADATA_DISABLED=true EDITOR=true HOME=/root\ncd /root\n";
    const { command, args } = rootedCommand({ root, mountpoint, command: "bash", args: ["-euo", "pipefail", "-c", `${settings}${endpoint === null ? parseOnly : `export AWS_ENDPOINT_URL=${endpoint}\n`}${script}`] });
    return await run(command, args, { timeoutMs: 240_000 });
  } finally {
    await rm(mountpoint, { recursive: true, force: true });
  }
}
