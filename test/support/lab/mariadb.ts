// A real MariaDB in the lab, where Amazon RDS would be: in the aws place, on an address of its own, with a socket and a folder that
// belong to one lab. The schema comes from `asterisk-config/sql/`; it can be killed, stopped (hung) and started again, and its
// data survives that.
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import type { Lab } from "./network.ts";
import type { LabProcess } from "./process.ts";
import { besideCommand, rootedCommand } from "./rooted.ts";
import { ensureRoot, REPOSITORY } from "./roots.ts";
import { run } from "./run.ts";
import { waitUntil } from "../wait-until.ts";

/** Where the nodes find it. Not the address of AWS's endpoints, so that a cut from AWS leaves it, as it does there. */
export const DATABASE_ADDRESS = "10.0.9.20";
export const DATABASE_PORT = 3306;
export const DATABASE_NAME = "asterisk";

const SOCKET = "/data/mariadb.sock";

/** Makes the data folder and starts it, with the schema and Asterisk's user, whose password is random if none is given. */
export async function startMariaDb(lab: Lab, password = randomBytes(12).toString("hex")): Promise<LabMariaDb> {
  const root = await ensureRoot("telephony", (line) => process.stderr.write(`lab: ${line}\n`));
  const database = new LabMariaDb(lab, root, password);
  for (const folder of ["data", "mount"]) await mkdir(join(database.dir, folder), { recursive: true });
  await lab.run("aws", "ip", ["address", "add", `${DATABASE_ADDRESS}/32`, "dev", "eth0"]);
  await lab.run("igw", "ip", ["route", "add", `${DATABASE_ADDRESS}/32`, "dev", "aws"]);
  await database.start();
  await database.sql(`CREATE DATABASE ${DATABASE_NAME}`, { inDatabase: false });
  await database.migrate();
  await database.grant();
  return database;
}

export class LabMariaDb {
  /** What Asterisk logs in with: least rights (README of asterisk-config). */
  readonly username = "asterisk";
  readonly password: string;
  readonly dir: string;
  readonly #lab: Lab;
  readonly #root: string;
  #process: LabProcess | null = null;

  constructor(lab: Lab, root: string, password: string) {
    this.#lab = lab;
    this.password = password;
    this.#root = root;
    this.dir = join(lab.dir, "mariadb");
  }

  /** What `prepareAsterisk` wants to know. */
  get access(): { readonly host: string; readonly port: number; readonly name: string; readonly username: string; readonly password: string } {
    return { host: DATABASE_ADDRESS, port: DATABASE_PORT, name: DATABASE_NAME, username: this.username, password: this.password };
  }

  /** Starts it and waits until it answers. The data folder is made at the first start. */
  async start(): Promise<void> {
    const { command, args } = rootedCommand({
      root: this.#root,
      mountpoint: join(this.dir, "mount"),
      binds: { [join(this.dir, "data")]: "/data" },
      prepare: `chown mysql: /data
        if [ ! -d /data/mysql ]; then mariadb-install-db --no-defaults --user=mysql --datadir=/data --skip-test-db > /data/install.log 2>&1; fi`,
      command: "mariadbd",
      args: ["--no-defaults", "--user=mysql", "--datadir=/data", `--socket=${SOCKET}`, `--bind-address=${DATABASE_ADDRESS}`, `--port=${DATABASE_PORT}`, "--pid-file=/data/mariadbd.pid", "--skip-name-resolve", "--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"],
    });
    const started = await this.#lab.spawn("aws", command, args, { name: "mariadb" });
    this.#process = started;
    await waitUntil("MariaDB to answer", async () => {
      if (!started.running()) throw new Error(`MariaDB ended:\n${started.log()}`);
      return this.sql("SELECT 1", { inDatabase: false }).then(() => true, () => false);
    }, 60_000);
  }

  /** Ends it as a restart does; connections break. */
  async end(): Promise<void> {
    await this.#process?.end(20_000);
  }

  /** Hangs it: its port accepts connections, and nothing is answered. `resume()` ends that. */
  hang(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Runs statements as the administrator and resolves with the rows, columns parted by tabs. */
  async sql(statements: string, options: { readonly inDatabase?: boolean } = {}): Promise<string[]> {
    if (this.#process === null) throw new Error("MariaDB was never started");
    const beside = besideCommand(this.#process.pid, "mariadb", ["--no-defaults", `--socket=${SOCKET}`, "--batch", "--skip-column-names", ...(options.inDatabase === false ? [] : [DATABASE_NAME])]);
    const { stdout } = await run(beside.command, beside.args, { input: statements, timeoutMs: 20_000 });
    return stdout.split("\n").filter((line) => line !== "");
  }

  /** Applies every file of `asterisk-config/sql/`, in the order of their numbers. */
  async migrate(): Promise<void> {
    const folder = join(REPOSITORY, "asterisk-config/sql");
    for (const name of (await readdir(folder)).filter((each) => each.endsWith(".sql")).sort()) await this.sql(await readFile(join(folder, name), "utf8"));
  }

  /** A phone as an operator would add it. */
  async addPhone(name: string, password: string, columns: { readonly qualifySeconds?: number } = {}): Promise<void> {
    await this.sql(`
      INSERT INTO ps_aors (id, qualify_frequency) VALUES ('${name}', ${columns.qualifySeconds ?? 30});
      INSERT INTO ps_auths (id, username, password) VALUES ('${name}', '${name}', '${password}');
      INSERT INTO ps_endpoints (id, aors, auth) VALUES ('${name}', '${name}', '${name}');`);
  }

  /** The server's socket, as processes of the machine see it that are not in the lab. */
  get socket(): string {
    return join(this.dir, "data", "mariadb.sock");
  }

  /** A user for the Stasis app: it may use its own tables and see no other. */
  async grantApp(username: string, password: string): Promise<void> {
    const tables = await this.sql("SHOW TABLES LIKE 'app\\_%'");
    await this.sql(`CREATE USER '${username}'@'%' IDENTIFIED BY '${password}';
      ${tables.map((table) => `GRANT SELECT, INSERT, UPDATE, DELETE ON ${DATABASE_NAME}.${table} TO '${username}'@'%';`).join("\n")}`);
  }

  /** Asterisk reads everything and writes only what registers. */
  async grant(): Promise<void> {
    await this.sql(`
      CREATE USER '${this.username}'@'%' IDENTIFIED BY '${this.password}';
      GRANT SELECT ON ${DATABASE_NAME}.* TO '${this.username}'@'%';
      GRANT INSERT, UPDATE, DELETE ON ${DATABASE_NAME}.ps_contacts TO '${this.username}'@'%';`);
  }
}
