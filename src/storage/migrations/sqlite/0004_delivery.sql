-- The delivery engine. Event ids sort by the time of storing.
CREATE TABLE delivery_endpoint (
  account TEXT NOT NULL,
  id TEXT NOT NULL,
  state TEXT NOT NULL,
  revision INTEGER NOT NULL,
  data TEXT NOT NULL,
  failing_since INTEGER,
  last_success_at INTEGER,
  last_failure_at INTEGER,
  warned_at INTEGER,
  clock TEXT NOT NULL DEFAULT 'real',
  check_at INTEGER,
  PRIMARY KEY (account, id)
) STRICT;
CREATE INDEX delivery_endpoint_check ON delivery_endpoint (check_at) WHERE check_at IS NOT NULL;

-- One row per account: what a node compares its copy of the endpoints with.
CREATE TABLE delivery_revision (
  account TEXT NOT NULL PRIMARY KEY,
  revision INTEGER NOT NULL
) STRICT;

CREATE TABLE delivery_signing_key (
  account TEXT NOT NULL,
  key_id TEXT NOT NULL,
  locked_pem TEXT NOT NULL,
  jwk TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  retires_at INTEGER,
  PRIMARY KEY (account, key_id)
) STRICT;

CREATE TABLE delivery_event (
  account TEXT NOT NULL,
  id TEXT NOT NULL,
  dialect TEXT NOT NULL,
  type TEXT NOT NULL,
  provider_id TEXT NOT NULL,
  provider_account TEXT,
  fact TEXT,
  subject TEXT,
  customer TEXT,
  created_at INTEGER NOT NULL,
  body TEXT NOT NULL,
  raw BLOB,
  content_type TEXT,
  PRIMARY KEY (account, id)
) STRICT;
CREATE INDEX delivery_event_fact ON delivery_event (account, fact) WHERE fact IS NOT NULL;
CREATE INDEX delivery_event_customer ON delivery_event (account, customer, id) WHERE customer IS NOT NULL;
CREATE INDEX delivery_event_provider ON delivery_event (account, provider_id) WHERE provider_id <> id;

CREATE TABLE delivery (
  account TEXT NOT NULL,
  event TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  state TEXT NOT NULL,
  clock TEXT NOT NULL,
  lease TEXT,
  due_at INTEGER,
  test_due_at INTEGER,
  order_key TEXT,
  made INTEGER NOT NULL DEFAULT 0,
  first_at INTEGER,
  last_at INTEGER,
  last_status INTEGER,
  acknowledged_at INTEGER,
  settled_at INTEGER,
  attempts TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (account, event, endpoint)
) STRICT;
CREATE INDEX delivery_by_endpoint ON delivery (account, endpoint, event);
CREATE INDEX delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_test_due ON delivery (account, test_due_at) WHERE test_due_at IS NOT NULL;
CREATE INDEX delivery_order ON delivery (account, endpoint, order_key, event) WHERE order_key IS NOT NULL;
CREATE INDEX delivery_leased ON delivery (lease) WHERE lease IS NOT NULL;

CREATE TABLE delivery_key (
  account TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  answer TEXT NOT NULL,
  stored_at INTEGER NOT NULL,
  PRIMARY KEY (account, key)
) STRICT;
CREATE INDEX delivery_key_age ON delivery_key (stored_at);

CREATE TABLE delivery_node (
  id TEXT NOT NULL PRIMARY KEY,
  heartbeat_at INTEGER NOT NULL,
  oldest TEXT NOT NULL
) STRICT;

CREATE TABLE delivery_replay (
  account TEXT NOT NULL,
  id TEXT NOT NULL,
  state TEXT NOT NULL,
  filter TEXT NOT NULL,
  replayed INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  ended_at INTEGER,
  cursor_event TEXT,
  cursor_endpoint TEXT,
  PRIMARY KEY (account, id)
) STRICT;

CREATE TABLE delivery_notice (
  key TEXT NOT NULL PRIMARY KEY,
  account TEXT NOT NULL,
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL,
  text TEXT NOT NULL,
  tries INTEGER NOT NULL,
  due_at INTEGER NOT NULL
) STRICT;
