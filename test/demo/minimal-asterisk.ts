/**
 * The configuration of a real Asterisk in the demo. It is not the product's: that one wants a database, names the modules
 * of one version and belongs to a machine of its own, while this must start as an ordinary user's process, twice on
 * one machine, with whatever Asterisk a stranger has installed. What the agent looks at is the same: OPTIONS over UDP, ARI,
 * the control socket, and the canary's two extensions.
 */

/** What the files depend on. */
export interface MinimalAsterisk {
  readonly node: string;
  readonly folder: string;
  readonly sipPort: number;
  readonly httpPort: number;
  readonly ariPassword: string;
}

/** `load`, not `require`: a module that another version does not have is a warning, and no end. */
const MODULES = [
  "res_sorcery_config", "res_sorcery_memory", "res_sorcery_astdb",
  "res_http_websocket", "res_websocket_client", "res_stasis", "res_stasis_answer", "res_stasis_playback", "res_stasis_recording", "res_stasis_snoop", "res_stasis_device_state",
  "res_ari", "res_ari_model", "res_ari_applications", "res_ari_asterisk", "res_ari_bridges", "res_ari_channels", "res_ari_device_states", "res_ari_endpoints", "res_ari_events", "res_ari_playbacks", "res_ari_recordings", "res_ari_sounds", "app_stasis",
  "res_pjproject", "res_pjsip", "res_pjsip_session", "res_pjsip_endpoint_identifier_ip", "res_pjsip_sdp_rtp", "chan_pjsip",
  "res_timing_timerfd", "res_timing_kqueue", "res_timing_pthread", "res_rtp_asterisk", "codec_ulaw", "format_pcm",
  "bridge_simple", "bridge_softmix", "bridge_holding", "pbx_config",
];

/** The folders that Asterisk writes to, by their names in asterisk.conf; `folder` itself gets the control socket. */
export function foldersOf(folder: string): Readonly<Record<string, string>> {
  return { astetcdir: `${folder}/etc`, astvarlibdir: `${folder}/lib`, astdbdir: `${folder}/lib`, astkeydir: `${folder}/lib`, astagidir: `${folder}/lib`, astspooldir: `${folder}/spool`, astrundir: folder, astlogdir: `${folder}/log` };
}

/** Every file, by its name in the folder of the configuration. */
export function minimalConfig({ node, folder, sipPort, httpPort, ariPassword }: MinimalAsterisk): Readonly<Record<string, string>> {
  return {
    "asterisk.conf": section("directories", foldersOf(folder)) + section("options", { systemname: node, nocolor: "yes" }),
    "logger.conf": section("general", {}) + section("logfiles", { console: "error,warning" }),
    "modules.conf": `[modules]\nautoload = no\n${MODULES.map((name) => `load = ${name}.so\n`).join("")}`,
    "http.conf": section("general", { enabled: "yes", bindaddr: "127.0.0.1", bindport: String(httpPort) }),
    "ari.conf": section("general", { enabled: "yes" }) + section("agent", { type: "user", read_only: "no", password: ariPassword, password_format: "plain" }),
    "pjsip.conf": [
      // The caller reads from this who has answered.
      section("global", { type: "global", user_agent: `node-agent ${node}` }),
      section("transport-udp", { type: "transport", protocol: "udp", bind: `127.0.0.1:${sipPort}` }),
      section("probe", { type: "endpoint", context: "probe", disallow: "all", allow: "ulaw" }),
      section("probe-addresses", { type: "identify", endpoint: "probe", match: "127.0.0.0/8" }),
    ].join(""),
    "extensions.conf": ["[probe]", "[canary]", "exten => answer,1,Answer()", " same => n,Wait(30)", " same => n,Hangup()", `exten => enter,1,Stasis(node-agent-${node},canary)`, " same => n,Hangup()", ""].join("\n"),
    "stasis.conf": section("declined_message_types", {}),
    "rtp.conf": section("general", {}),
  };
}

function section(name: string, values: Readonly<Record<string, string>>): string {
  return `[${name}]\n${Object.entries(values).map(([key, value]) => `${key} = ${value}\n`).join("")}\n`;
}
