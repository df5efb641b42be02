/** The systemd units that hold a drill by themselves, as text to be installed. */

/** systemd's calendar words: the letters, digits and signs of its own grammar, nothing that could end the line. */
export const CALENDAR = /^[A-Za-z0-9 *:.,~/-]{1,100}$/;

/** `nodectl drill` as the agent's user, at these times, once, wherever the address is then. */
export function drillUnits(calendar: string, dryRun: boolean): string {
  return [
    "# Write the first part to /etc/systemd/system/asterisk-node-drill.service and the second to asterisk-node-drill.timer, on one node",
    "# only; then: systemctl daemon-reload && systemctl enable --now asterisk-node-drill.timer",
    "# A drill that fails leaves the unit failed; its report says why.",
    "",
    "# ---- asterisk-node-drill.service",
    "[Unit]",
    "Description=A game day of the Asterisk pair: there and back, with a report",
    "After=network-online.target",
    "",
    "[Service]",
    "Type=oneshot",
    "User=node-agent",
    `ExecStart=/usr/bin/nodectl drill --yes${dryRun ? " --dry-run" : ""} --reason "by the timer"`,
    "TimeoutStartSec=3h",
    "",
    "# ---- asterisk-node-drill.timer",
    "[Unit]",
    "Description=When the Asterisk pair has its game day",
    "",
    "[Timer]",
    `OnCalendar=${calendar}`,
    "# Missed while the machine was off is missed: a drill at an unforeseen hour is an outage.",
    "Persistent=false",
    "",
    "[Install]",
    "WantedBy=timers.target",
  ].join("\n");
}
