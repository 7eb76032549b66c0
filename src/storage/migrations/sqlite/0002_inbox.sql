-- The receiving end: sources, what they delivered, the ledger made of it, reactions, and what the app decided itself.
CREATE TABLE source (
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  dialect TEXT NOT NULL,
  secrets TEXT NOT NULL,
  settings TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE received (
  account TEXT NOT NULL,
  id TEXT NOT NULL,
  source TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  size INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  verdict TEXT NOT NULL,
  detail TEXT,
  dedupe TEXT,
  event_id TEXT,
  event_type TEXT,
  sent_at INTEGER,
  state TEXT NOT NULL,
  reason TEXT,
  folded_at INTEGER,
  reacted_at INTEGER,
  dead_at INTEGER,
  PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX received_pending ON received (id) WHERE state = 'received';
CREATE INDEX received_event_id ON received (account, event_id, id) WHERE event_id IS NOT NULL;
CREATE INDEX received_refused ON received (account, source, id) WHERE state = 'refused';

CREATE TABLE received_raw (
  account TEXT NOT NULL,
  id TEXT NOT NULL,
  headers TEXT NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (account, id)
) STRICT;

CREATE TABLE received_event (
  account TEXT NOT NULL,
  source TEXT NOT NULL,
  dedupe TEXT NOT NULL,
  delivery TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (account, source, dedupe)
) STRICT, WITHOUT ROWID;

CREATE TABLE subject_group (
  account TEXT NOT NULL,
  source TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  watch_at INTEGER,
  stale TEXT,
  state TEXT NOT NULL,
  PRIMARY KEY (account, source, id)
) STRICT;
CREATE INDEX subject_group_watch ON subject_group (watch_at) WHERE watch_at IS NOT NULL;

CREATE TABLE membership (
  account TEXT NOT NULL,
  source TEXT NOT NULL,
  reference TEXT NOT NULL,
  subject_group TEXT NOT NULL,
  PRIMARY KEY (account, source, reference)
) STRICT, WITHOUT ROWID;
CREATE INDEX membership_group ON membership (account, source, subject_group);

CREATE TABLE observation (
  account TEXT NOT NULL,
  source TEXT NOT NULL,
  delivery TEXT NOT NULL,
  place INTEGER NOT NULL,
  subject_group TEXT NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (account, source, delivery, place)
) STRICT;
CREATE INDEX observation_group ON observation (account, source, subject_group);

CREATE TABLE object (
  account TEXT NOT NULL,
  source TEXT NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (account, source, kind, id)
) STRICT;

CREATE TABLE fact (
  account TEXT NOT NULL,
  source TEXT NOT NULL,
  fact_key TEXT NOT NULL,
  subject_group TEXT NOT NULL,
  kind TEXT NOT NULL,
  at INTEGER NOT NULL,
  customer TEXT,
  subscription TEXT,
  data TEXT NOT NULL,
  delivery TEXT,
  told_at INTEGER NOT NULL,
  retracted_at INTEGER,
  PRIMARY KEY (account, source, fact_key)
) STRICT;
CREATE INDEX fact_group ON fact (account, source, subject_group);
CREATE INDEX fact_time ON fact (account, at, source, fact_key);

CREATE TABLE access_state (
  account TEXT NOT NULL,
  source TEXT NOT NULL,
  customer TEXT NOT NULL,
  subject_group TEXT NOT NULL,
  number INTEGER NOT NULL,
  summary TEXT NOT NULL,
  turns_at INTEGER,
  PRIMARY KEY (account, source, customer)
) STRICT, WITHOUT ROWID;
CREATE INDEX access_state_turn ON access_state (turns_at) WHERE turns_at IS NOT NULL;

CREATE TABLE reaction (
  account TEXT NOT NULL,
  id TEXT NOT NULL,
  source TEXT NOT NULL,
  subject TEXT NOT NULL,
  fact_key TEXT NOT NULL,
  kind TEXT NOT NULL,
  data TEXT NOT NULL,
  delivery TEXT,
  state TEXT NOT NULL,
  due_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  done TEXT NOT NULL,
  lease TEXT,
  error TEXT,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX reaction_due ON reaction (due_at, id) WHERE state = 'waiting';
CREATE INDEX reaction_subject ON reaction (account, source, subject, id) WHERE state = 'waiting';
CREATE INDEX reaction_fact ON reaction (account, source, fact_key, id);
CREATE INDEX reaction_delivery ON reaction (account, delivery);

CREATE TABLE link (
  account TEXT NOT NULL,
  app_user TEXT NOT NULL,
  source TEXT NOT NULL,
  customer TEXT NOT NULL,
  origin TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (account, app_user, source, customer)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_customer ON link (account, source, customer, app_user);

CREATE TABLE hold (
  account TEXT NOT NULL,
  id TEXT NOT NULL,
  app_user TEXT NOT NULL,
  data TEXT NOT NULL,
  removed_at INTEGER,
  PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX hold_user ON hold (account, app_user);

CREATE TABLE policy (
  account TEXT NOT NULL,
  version INTEGER NOT NULL,
  data TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (account, version)
) STRICT, WITHOUT ROWID;
