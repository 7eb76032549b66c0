-- The delivery engine. Event ids sort by the time of storing: partitions by id are partitions by time, and every key
-- still starts with the account.
CREATE TABLE delivery_endpoint (
  account TEXT NOT NULL,
  id TEXT NOT NULL,
  state TEXT NOT NULL,
  revision BIGINT NOT NULL,
  data TEXT NOT NULL,
  failing_since BIGINT,
  last_success_at BIGINT,
  last_failure_at BIGINT,
  warned_at BIGINT,
  clock TEXT NOT NULL DEFAULT 'real',
  check_at BIGINT,
  PRIMARY KEY (account, id)
);
CREATE INDEX delivery_endpoint_check ON delivery_endpoint (check_at) WHERE check_at IS NOT NULL;

-- One row per account: what a node compares its copy of the endpoints with.
CREATE TABLE delivery_revision (
  account TEXT NOT NULL PRIMARY KEY,
  revision BIGINT NOT NULL
);

CREATE TABLE delivery_signing_key (
  account TEXT NOT NULL,
  key_id TEXT NOT NULL,
  locked_pem TEXT NOT NULL,
  jwk TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  retires_at BIGINT,
  PRIMARY KEY (account, key_id)
);

CREATE TABLE delivery_event (
  account TEXT NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  dialect TEXT NOT NULL,
  type TEXT NOT NULL,
  provider_id TEXT COLLATE "C" NOT NULL,
  provider_account TEXT,
  fact TEXT,
  subject TEXT,
  customer TEXT,
  created_at BIGINT NOT NULL,
  body TEXT NOT NULL,
  raw BYTEA,
  content_type TEXT,
  PRIMARY KEY (account, id)
) PARTITION BY RANGE (id);
CREATE TABLE delivery_event_rest PARTITION OF delivery_event DEFAULT;
CREATE INDEX delivery_event_fact ON delivery_event (account, fact) WHERE fact IS NOT NULL;
CREATE INDEX delivery_event_customer ON delivery_event (account, customer, id) WHERE customer IS NOT NULL;
CREATE INDEX delivery_event_provider ON delivery_event (account, provider_id) WHERE provider_id <> id;

-- Room is left in each page for the row as it will be after its first attempt. What that attempt changes is in no index
-- (lease, state, made, attempts), so the usual delivery costs no index entry but those of its insert.
CREATE TABLE delivery (
  account TEXT NOT NULL,
  event TEXT COLLATE "C" NOT NULL,
  endpoint TEXT NOT NULL,
  state TEXT NOT NULL,
  clock TEXT NOT NULL,
  lease TEXT,
  due_at BIGINT,
  test_due_at BIGINT,
  order_key TEXT,
  made BIGINT NOT NULL DEFAULT 0,
  first_at BIGINT,
  last_at BIGINT,
  last_status BIGINT,
  acknowledged_at BIGINT,
  settled_at BIGINT,
  attempts TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (account, event, endpoint)
) PARTITION BY RANGE (event);
CREATE TABLE delivery_rest PARTITION OF delivery DEFAULT WITH (fillfactor = 25);
CREATE INDEX delivery_by_endpoint ON delivery (account, endpoint, event);
CREATE INDEX delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX delivery_test_due ON delivery (account, test_due_at) WHERE test_due_at IS NOT NULL;
CREATE INDEX delivery_order ON delivery (account, endpoint, order_key, event) WHERE order_key IS NOT NULL;
-- Finds the fresh leases of a node that died, which are among the newest rows, without an entry per row.
CREATE INDEX delivery_newest ON delivery USING brin (event) WITH (pages_per_range = 16, autosummarize = on);

CREATE TABLE delivery_key (
  account TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  answer TEXT NOT NULL,
  stored_at BIGINT NOT NULL,
  PRIMARY KEY (account, key)
);
CREATE INDEX delivery_key_age ON delivery_key USING brin (stored_at);

CREATE TABLE delivery_node (
  id TEXT NOT NULL PRIMARY KEY,
  heartbeat_at BIGINT NOT NULL,
  oldest TEXT NOT NULL
);

CREATE TABLE delivery_replay (
  account TEXT NOT NULL,
  id TEXT NOT NULL,
  state TEXT NOT NULL,
  filter TEXT NOT NULL,
  replayed BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  ended_at BIGINT,
  cursor_event TEXT,
  cursor_endpoint TEXT,
  PRIMARY KEY (account, id)
);

CREATE TABLE delivery_notice (
  key TEXT NOT NULL PRIMARY KEY,
  account TEXT NOT NULL,
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL,
  text TEXT NOT NULL,
  tries BIGINT NOT NULL,
  due_at BIGINT NOT NULL
);
