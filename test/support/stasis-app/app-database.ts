// A real MariaDB with the Stasis app's tables, for contract tests: in a lab of its own, which has nothing else in it.
import { Database, type DatabaseAccess } from "../../../agent/stasis-app/store/database.ts";
import { DATABASE_NAME, startMariaDb, type LabMariaDb } from "../lab/mariadb.ts";
import { openLab } from "../lab/network.ts";

export interface AppDatabase {
  readonly server: LabMariaDb;
  /** As the app's own user, who sees the app's tables and no other. */
  readonly access: DatabaseAccess;
  readonly database: Database;
  /** Every table of the app is empty again. */
  empty(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the lab, starts the server and connects. */
export async function openAppDatabase(): Promise<AppDatabase> {
  const lab = await openLab();
  const server = await startMariaDb(lab);
  const access: DatabaseAccess = { host: server.socket, port: 0, name: DATABASE_NAME, username: "app", password: "contract-test" };
  await server.grantApp(access.username, access.password);
  const database = new Database(access);
  return {
    server,
    access,
    database,
    empty: async () => { await server.sql("DELETE FROM app_calls; DELETE FROM app_attempts; DELETE FROM app_owners; DELETE FROM app_do_not_call; DELETE FROM app_outbox"); },
    close: async () => {
      await database.close();
      await lab.close();
    },
  };
}
