// How pm2 runs the agent on a node: one process, started again after a crash, left stopped after a configuration error.
//
// Exit codes: 0 stopped on request, 70 an invariant broke (start again), 78 configuration (stay stopped: no restart can cure it).
// No restart_delay and no exp_backoff_restart_delay: with either, pm2 shows a process that it leaves stopped as "waiting restart"
// for good. The agent itself pauses before it ends when it has only just started, so that a crash loop stays slow.
import { existsSync } from "node:fs";

const logs = process.env.AGENT_LOG_DIR ?? "/var/log/asterisk-node-agent";

// The Stasis app runs beside the agent where it has settings: stasis-app.env. In its place your own may run: name its script in pm2's
// environment, on a node by a drop-in for node-pm2.service (Environment=STASIS_APP_SCRIPT=/opt/app/main.js). The two programs share
// nothing but pm2: each has its own ARI user and restarts alone. Calls that are up outlast a restart of the app.
const settings = process.env.APP_ENV_FILE ?? "/etc/asterisk-node-agent/stasis-app.env";
const own = process.env.STASIS_APP_SCRIPT;
const script = own ?? (existsSync(settings) ? "dist/stasis-app.js" : undefined);
const stasisApp = {
  name: "stasis-app",
  script,
  ...(own === undefined ? { interpreter_args: "--enable-source-maps", stop_exit_codes: [78] } : {}),
  exec_mode: "fork",
  instances: 1,
  autorestart: true,
  max_restarts: 1000,
  min_uptime: 1000,
  kill_timeout: 10000,
  merge_logs: true,
  out_file: `${logs}/stasis-app.log`,
  error_file: `${logs}/stasis-app.err.log`,
};

export const apps = [
  {
    name: "asterisk-node-agent",
    script: "dist/main.js",
    interpreter_args: "--enable-source-maps",
    exec_mode: "fork",
    instances: 1,
    autorestart: true,
    max_restarts: 1000,
    min_uptime: 1000,
    // Not 0: pm2 reports an end by a signal as exit code 0, and a killed agent must come back.
    stop_exit_codes: [78],
    // SIGINT first; the goodbye to the peers and the last save need well under this (ms).
    kill_timeout: 10000,
    // The agent logs JSON lines by itself; pm2 only writes them to the file that logrotate rotates.
    merge_logs: true,
    out_file: `${logs}/agent.log`,
    error_file: `${logs}/agent.err.log`,
    // Settings come from agent.env, secrets from Secrets Manager: nothing of them is in pm2's dump.
    filter_env: ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"],
  },
  ...(script === undefined ? [] : [stasisApp]),
];
