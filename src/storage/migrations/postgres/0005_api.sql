-- The REST API: keys (hashes only), and what idempotency keys were answered with.
CREATE TABLE api_key (
  account TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  hash TEXT NOT NULL,
  scope TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  revoked_at BIGINT,
  PRIMARY KEY (account, id)
);
CREATE UNIQUE INDEX api_key_hash ON api_key (hash);

CREATE TABLE api_answer (
  account TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  status BIGINT NOT NULL,
  answer TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (account, key)
);
CREATE INDEX api_answer_at ON api_answer (at);
