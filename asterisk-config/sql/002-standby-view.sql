-- What the standby reads as ps_aors: the same rows, and none of them to be qualified (roles/standby/extconfig_aors.conf).
-- A column that is added to ps_aors later must be added here too. May be applied again at any time.

CREATE OR REPLACE VIEW ps_aors_standby AS
SELECT
  id,
  max_contacts,
  remove_existing,
  minimum_expiration,
  default_expiration,
  maximum_expiration,
  0 AS qualify_frequency,
  qualify_timeout,
  authenticate_qualify,
  support_path,
  outbound_proxy,
  mailboxes
FROM ps_aors;
