-- The Stasis app: calls to be made and what became of them, every attempt, numbers that must not be called, events to be sent.
-- Both nodes use the same rows; a row of app_calls belongs to the app that is its owner, for as long as that app's lease lasts.
-- All times are the database's own, in UTC where the session is. May be applied again at any time.

CREATE TABLE IF NOT EXISTS app_calls (
  call_id VARCHAR(64) NOT NULL,
  direction ENUM('out', 'in') NOT NULL,
  campaign_id VARCHAR(64) NOT NULL,
  contact_id VARCHAR(64) NULL,
  phone_number VARCHAR(32) NOT NULL COMMENT 'E.164; of a caller, as the carrier sent it',
  audio VARCHAR(255) NULL COMMENT 'what $audio stands for in this call''s menu',
  state ENUM('queued', 'dialling', 'up', 'ended') NOT NULL,
  result VARCHAR(16) NULL COMMENT 'of the last attempt',
  attempts INT NOT NULL DEFAULT 0,
  failures JSON NOT NULL COMMENT 'attempts by result',
  not_before DATETIME(3) NOT NULL,
  owner VARCHAR(64) NULL COMMENT 'a row of app_owners',
  channel_id VARCHAR(64) NULL COMMENT 'of the last attempt: only who knows it may say what became of it',
  menu_node VARCHAR(255) NULL,
  cancelled TINYINT NOT NULL DEFAULT 0,
  events INT NOT NULL DEFAULT 0 COMMENT 'number of the last event',
  created_at DATETIME(3) NOT NULL,
  ended_at DATETIME(3) NULL,
  PRIMARY KEY (call_id),
  UNIQUE KEY app_calls_channel (channel_id),
  KEY app_calls_queue (campaign_id, state, not_before),
  KEY app_calls_state (state, created_at),
  KEY app_calls_owner (owner, state),
  KEY app_calls_number (phone_number)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS app_attempts (
  channel_id VARCHAR(64) NOT NULL,
  call_id VARCHAR(64) NOT NULL,
  attempt INT NOT NULL,
  node VARCHAR(32) NOT NULL,
  dialled_at DATETIME(3) NOT NULL COMMENT 'before the INVITE: an attempt without an end may or may not have rung',
  answered_at DATETIME(3) NULL,
  ended_at DATETIME(3) NULL,
  result VARCHAR(16) NULL,
  cause INT NULL COMMENT 'Q.850',
  PRIMARY KEY (channel_id),
  UNIQUE KEY app_attempts_call (call_id, attempt),
  KEY app_attempts_ended (ended_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- An app that runs as the active: while its lease lasts, its calls are its own.
CREATE TABLE IF NOT EXISTS app_owners (
  owner VARCHAR(64) NOT NULL COMMENT 'NODE_ID:incarnation',
  node VARCHAR(32) NOT NULL,
  lease_until DATETIME(3) NOT NULL,
  PRIMARY KEY (owner)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS app_do_not_call (
  phone_number VARCHAR(32) NOT NULL,
  since DATETIME(3) NOT NULL,
  origin VARCHAR(64) NOT NULL COMMENT 'menu, or who put it here',
  PRIMARY KEY (phone_number)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Events that the sink has not taken yet; written in the transaction of what they tell, removed when the sink has them.
CREATE TABLE IF NOT EXISTS app_outbox (
  id BIGINT NOT NULL AUTO_INCREMENT,
  event_id CHAR(36) NOT NULL,
  call_id VARCHAR(64) NOT NULL,
  type VARCHAR(64) NOT NULL,
  payload JSON NOT NULL,
  tries INT NOT NULL DEFAULT 0,
  next_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  KEY app_outbox_call (call_id, id),
  KEY app_outbox_due (next_at, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
