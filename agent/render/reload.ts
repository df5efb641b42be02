/** Which module of Asterisk reads which file, so that only what changed is reloaded. Seen with 22.10.1. */
import { ROLES } from "./rendering.ts";

/** File to modules. [] : nobody keeps it open, or it is read when it is used. null: only a restart of Asterisk reads it. */
const READERS: Readonly<Record<string, readonly string[] | null>> = {
  "acl.conf": ["acl"],
  "ari.conf": ["res_ari.so"],
  "asterisk.conf": null,
  "ccss.conf": null,
  "cdr.conf": ["cdr"],
  "cel.conf": ["cel"],
  "chan_websocket.conf": ["chan_websocket.so"],
  "extconfig.conf": ["extconfig"],
  "extensions.conf": ["pbx_config.so"],
  "features.conf": ["features"],
  "func_odbc.conf": ["func_odbc.so"],
  "http.conf": ["http"],
  "indications.conf": ["indications"],
  "logger.conf": ["logger"],
  "manager.conf": ["manager"],
  "modules.conf": null,
  "odbc.ini": ["res_odbc.so"],
  "odbcinst.ini": ["res_odbc.so"],
  "pjproject.conf": ["res_pjproject.so"],
  "pjsip.conf": ["res_pjsip.so", "res_pjsip_outbound_registration.so"],
  "pjsip_registrations.conf": ["res_pjsip.so", "res_pjsip_outbound_registration.so"],
  "pjsip_trunk_auths.conf": ["res_pjsip.so"],
  "pjsip_trunks.conf": ["res_pjsip.so", "res_pjsip_outbound_registration.so"],
  "extconfig_aors.conf": ["extconfig"],
  "prometheus.conf": ["res_prometheus.so"],
  "res_odbc.conf": ["res_odbc.so"],
  "rtp.conf": ["res_rtp_asterisk.so"],
  "sorcery.conf": null,
  "stasis.conf": null,
  "udptl.conf": ["udptl"],
  "websocket_client.conf": ["res_websocket_client.so"],
};

/** What others build on comes first, and registrations, because callers wait for them; ARI, through which we ask, comes last. */
const FIRST = ["acl", "res_odbc.so", "res_pjsip_outbound_registration.so", "extconfig"];
const LAST = ["http", "res_ari.so"];
const rank = (module: string): number => (FIRST.includes(module) ? FIRST.indexOf(module) - FIRST.length : LAST.indexOf(module) + 1);

export interface Reload {
  /** In the order in which to reload them. */
  readonly modules: readonly string[];
  /** Files that only a restart of Asterisk reads, and files that this table does not know. */
  readonly restart: readonly string[];
}

/** What to do about changed files. `role` is the folder under roles/ that is in use: the others' files concern nobody. */
export function reloadFor(files: readonly string[], role: string | null): Reload {
  const modules = new Set<string>();
  const restart: string[] = [];
  for (const file of files) {
    if (file.startsWith(`${ROLES}/`) && !file.startsWith(`${ROLES}/${role ?? ""}/`)) continue;
    const readers = READERS[file.split("/").at(-1) ?? file] ?? null;
    if (readers === null) restart.push(file);
    for (const reader of readers ?? []) modules.add(reader);
  }
  return { modules: [...modules].toSorted((a, b) => rank(a) - rank(b)), restart };
}

/** The files and modules that the table knows, for the tests that compare it with the templates and with a real Asterisk. */
export const KNOWN_FILES: readonly string[] = Object.keys(READERS);
export const KNOWN_MODULES: readonly string[] = [...new Set(Object.values(READERS).flatMap((readers) => readers ?? []))].toSorted((a, b) => rank(a) - rank(b));
