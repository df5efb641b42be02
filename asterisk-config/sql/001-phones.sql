-- Phones: what Asterisk reads as endpoints, their passwords and their addresses of record, and what it writes when they register.
-- The columns are those that Asterisk 22 knows by these names; a column that is NULL or missing means Asterisk's own default.
-- MariaDB 10.6 or newer, MySQL 8 or newer. May be applied again at any time.

CREATE TABLE IF NOT EXISTS ps_endpoints (
  id VARCHAR(80) NOT NULL COMMENT 'the phone: also its user name in SIP',
  aors VARCHAR(200) NOT NULL COMMENT 'the row of ps_aors; the same name as a rule',
  auth VARCHAR(80) NOT NULL COMMENT 'the row of ps_auths; a phone without one would be anybody',
  context VARCHAR(80) NOT NULL DEFAULT 'phones',
  transport VARCHAR(40) NULL COMMENT 'NULL: the one that the phone used; transport-tls forces TLS',
  disallow VARCHAR(200) NOT NULL DEFAULT 'all',
  allow VARCHAR(200) NOT NULL DEFAULT 'ulaw,alaw,g722',
  direct_media VARCHAR(3) NOT NULL DEFAULT 'no',
  rtp_symmetric VARCHAR(3) NOT NULL DEFAULT 'yes',
  force_rport VARCHAR(3) NOT NULL DEFAULT 'yes',
  rewrite_contact VARCHAR(3) NOT NULL DEFAULT 'yes',
  media_encryption VARCHAR(4) NOT NULL DEFAULT 'no' COMMENT 'sdes: encrypted media, over TLS only',
  media_encryption_optimistic VARCHAR(3) NOT NULL DEFAULT 'no',
  dtmf_mode VARCHAR(10) NOT NULL DEFAULT 'rfc4733',
  tos_audio VARCHAR(10) NOT NULL DEFAULT 'ef',
  timers_sess_expires INT NOT NULL DEFAULT 600,
  callerid VARCHAR(120) NULL,
  device_state_busy_at INT NULL,
  language VARCHAR(20) NULL,
  accountcode VARCHAR(80) NULL,
  set_var VARCHAR(500) NULL,
  PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS ps_auths (
  id VARCHAR(80) NOT NULL,
  auth_type VARCHAR(20) NOT NULL DEFAULT 'userpass',
  username VARCHAR(80) NOT NULL,
  password VARCHAR(200) NULL COMMENT 'long and random; or, with auth_type md5, NULL',
  md5_cred VARCHAR(32) NULL COMMENT 'with auth_type md5: MD5 of user:realm:password',
  realm VARCHAR(80) NULL,
  PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS ps_aors (
  id VARCHAR(80) NOT NULL,
  max_contacts INT NOT NULL DEFAULT 1,
  remove_existing VARCHAR(3) NOT NULL DEFAULT 'yes',
  minimum_expiration INT NOT NULL DEFAULT 60,
  default_expiration INT NOT NULL DEFAULT 240,
  maximum_expiration INT NOT NULL DEFAULT 300 COMMENT 'how long a phone over TCP may be gone after a failover, seconds',
  qualify_frequency INT NOT NULL DEFAULT 30 COMMENT 'seconds; also keeps the hole in the phone''s NAT open. The active only.',
  qualify_timeout DOUBLE NOT NULL DEFAULT 3,
  authenticate_qualify VARCHAR(3) NOT NULL DEFAULT 'no',
  support_path VARCHAR(3) NOT NULL DEFAULT 'no',
  outbound_proxy VARCHAR(255) NULL,
  mailboxes VARCHAR(80) NULL,
  PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Written by Asterisk. Both nodes see all rows; reg_server says with which node a phone registered.
CREATE TABLE IF NOT EXISTS ps_contacts (
  id VARCHAR(255) NOT NULL,
  uri VARCHAR(511) NULL,
  expiration_time BIGINT NULL,
  qualify_frequency INT NULL,
  qualify_timeout DOUBLE NULL,
  qualify_2xx_only VARCHAR(5) NULL,
  authenticate_qualify VARCHAR(5) NULL,
  outbound_proxy VARCHAR(255) NULL,
  path TEXT NULL,
  user_agent VARCHAR(255) NULL,
  endpoint VARCHAR(80) NULL,
  reg_server VARCHAR(255) NULL,
  via_addr VARCHAR(64) NULL,
  via_port INT NULL,
  call_id VARCHAR(255) NULL,
  prune_on_boot VARCHAR(5) NULL,
  PRIMARY KEY (id),
  KEY ps_contacts_expiration (qualify_frequency, expiration_time)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
