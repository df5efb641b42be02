/** The connection to MariaDB or MySQL: a small pool, every statement with a deadline, transactions that are tried again after a deadlock. */
import { createPool, type Pool, type PoolConnection, type ResultSetHeader, type RowDataPacket } from "mysql2/promise";

/** A transaction that lost against another one is begun anew so often. */
const DEADLOCK_TRIES = 5;
const DEADLOCKS = new Set(["ER_LOCK_DEADLOCK", "ER_LOCK_WAIT_TIMEOUT", "ER_CHECKREAD"]);
/** A statement that takes longer has failed (ms): the connection is given up. */
const STATEMENT_MS = 5_000;
const CONNECT_MS = 3_000;
const CONNECTIONS = 12;
/**
 * A connection that asks nothing for so long is ended by the server (whole seconds). A node that dies in the middle of a transaction says no
 * goodbye: by the servers' default of eight hours its locks would stay, and the other node could not touch the calls that they hold.
 */
const SILENT_S = 3;
/** We end a connection that nobody needs before the server does (ms); the pool looks once a second. */
const UNUSED_MS = 1_000;

export interface DatabaseAccess {
  /** Host name or address; or, beginning with /, the path of a socket. */
  readonly host: string;
  readonly port: number;
  readonly name: string;
  readonly username: string;
  readonly password: string;
}

type Value = string | number | null;
export type Row = RowDataPacket;

/** A place where statements run: inside a transaction, or each by itself. */
export interface Statements {
  rows(sql: string, values?: readonly Value[]): Promise<Row[]>;
  change(sql: string, values?: readonly Value[]): Promise<ResultSetHeader>;
}

/** Connections as one user. When another user takes their place, those that are at work finish it. */
interface Source {
  readonly access: DatabaseAccess;
  readonly pool: Pool;
  busy: number;
}

export class Database implements Statements {
  readonly #onDenied: () => void;
  #source: Source;

  /** @param onDenied the server refuses the user or the password: there may be new ones */
  constructor(access: DatabaseAccess, onDenied: () => void = () => undefined) {
    this.#onDenied = onDenied;
    this.#source = sourceOf(access);
  }

  /**
   * Goes on with another user or password, once the server takes it.
   * @throws what the server says; then the present ones stay in use
   */
  async use(access: DatabaseAccess): Promise<void> {
    const before = this.#source;
    if (before.access.username === access.username && before.access.password === access.password) return;
    const next = sourceOf(access);
    try {
      (await next.pool.getConnection()).release();
    } catch (error) {
      await next.pool.end();
      throw error;
    }
    this.#source = next;
    if (before.busy === 0) await before.pool.end();
  }

  rows(sql: string, values: readonly Value[] = []): Promise<Row[]> {
    return this.#with((connection) => statementsOf(connection).rows(sql, values));
  }

  change(sql: string, values: readonly Value[] = []): Promise<ResultSetHeader> {
    return this.#with((connection) => statementsOf(connection).change(sql, values));
  }

  /** Runs all of it or nothing of it. The work may be run more than once. */
  async together<T>(work: (statements: Statements) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#once(work);
      } catch (error) {
        if (tries >= DEADLOCK_TRIES || !DEADLOCKS.has((error as { code?: string }).code ?? "")) throw error;
      }
    }
  }

  async close(): Promise<void> {
    await this.#source.pool.end();
  }

  #once<T>(work: (statements: Statements) => Promise<T>): Promise<T> {
    return this.#with(async (connection) => {
      const statements = statementsOf(connection);
      await statements.change("SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
      await statements.change("START TRANSACTION");
      const result = await work(statements);
      await statements.change("COMMIT");
      return result;
    }, "ROLLBACK");
  }

  /** A connection on which something went wrong is set right by `remedy`, or given up: it may still wait for a late answer. */
  async #with<T>(work: (connection: PoolConnection) => Promise<T>, remedy = "SELECT 1"): Promise<T> {
    const source = this.#source;
    source.busy += 1;
    try {
      return await this.#on(await source.pool.getConnection(), work, remedy);
    } catch (error) {
      if ((error as { code?: string }).code === "ER_ACCESS_DENIED_ERROR") this.#onDenied();
      throw error;
    } finally {
      source.busy -= 1;
      if (source !== this.#source && source.busy === 0) void source.pool.end().catch(() => undefined);
    }
  }

  async #on<T>(connection: PoolConnection, work: (connection: PoolConnection) => Promise<T>, remedy: string): Promise<T> {
    try {
      const result = await work(connection);
      connection.release();
      return result;
    } catch (error) {
      const answers = (error as { errno?: unknown; sqlState?: unknown }).sqlState !== undefined && (await connection.query({ sql: remedy, timeout: STATEMENT_MS }).then(() => true, () => false));
      if (answers) connection.release();
      else connection.destroy();
      throw error;
    }
  }
}

function sourceOf(access: DatabaseAccess): Source {
  const pool = createPool({
    ...(access.host.startsWith("/") ? { socketPath: access.host } : { host: access.host, port: access.port }), database: access.name, user: access.username, password: access.password,
    connectionLimit: CONNECTIONS, maxIdle: CONNECTIONS - 1, idleTimeout: UNUSED_MS, connectTimeout: CONNECT_MS, enableKeepAlive: true,
    timezone: "Z", dateStrings: false, charset: "utf8mb4", jsonStrings: false,
  });
  // In UTC, like the times that we read; and nobody waits for a lock for the usual fifty seconds.
  pool.on("connection", (connection) => void connection.query(`SET time_zone = '+00:00', innodb_lock_wait_timeout = 3, wait_timeout = ${SILENT_S}`));
  return { access, pool, busy: 0 };
}

function statementsOf(connection: PoolConnection): Statements {
  return {
    rows: async (sql, values = []) => (await connection.query<Row[]>({ sql, values: [...values], timeout: STATEMENT_MS }))[0],
    change: async (sql, values = []) => (await connection.query<ResultSetHeader>({ sql, values: [...values], timeout: STATEMENT_MS }))[0],
  };
}
