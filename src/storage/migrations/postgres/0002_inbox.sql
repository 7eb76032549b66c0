-- The receiving end: sources, what they delivered, the ledger made of it, reactions, and what the app decided itself.
-- Texts are compared by their bytes, as the embedded backend does, whatever the database's locale is.
CREATE TABLE source (
  account TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  dialect TEXT COLLATE "C" NOT NULL,
  secrets TEXT COLLATE "C" NOT NULL,
  settings TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (account, name)
);

CREATE TABLE received (
  account TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  received_at BIGINT NOT NULL,
  size BIGINT NOT NULL,
  sha256 TEXT COLLATE "C" NOT NULL,
  verdict TEXT COLLATE "C" NOT NULL,
  detail TEXT COLLATE "C",
  dedupe TEXT COLLATE "C",
  event_id TEXT COLLATE "C",
  event_type TEXT COLLATE "C",
  sent_at BIGINT,
  state TEXT COLLATE "C" NOT NULL,
  reason TEXT COLLATE "C",
  folded_at BIGINT,
  reacted_at BIGINT,
  dead_at BIGINT,
  PRIMARY KEY (account, id)
);
CREATE INDEX received_pending ON received (id) WHERE state = 'received';
CREATE INDEX received_event_id ON received (account, event_id, id) WHERE event_id IS NOT NULL;
CREATE INDEX received_refused ON received (account, source, id) WHERE state = 'refused';

CREATE TABLE received_raw (
  account TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  headers TEXT COLLATE "C" NOT NULL,
  body BYTEA NOT NULL,
  PRIMARY KEY (account, id)
);

CREATE TABLE received_event (
  account TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  dedupe TEXT COLLATE "C" NOT NULL,
  delivery TEXT COLLATE "C" NOT NULL,
  sha256 TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (account, source, dedupe)
);

CREATE TABLE subject_group (
  account TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  watch_at BIGINT,
  stale TEXT COLLATE "C",
  state TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (account, source, id)
);
CREATE INDEX subject_group_watch ON subject_group (watch_at) WHERE watch_at IS NOT NULL;

CREATE TABLE membership (
  account TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  reference TEXT COLLATE "C" NOT NULL,
  subject_group TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (account, source, reference)
);
CREATE INDEX membership_group ON membership (account, source, subject_group);

CREATE TABLE observation (
  account TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  delivery TEXT COLLATE "C" NOT NULL,
  place BIGINT NOT NULL,
  subject_group TEXT COLLATE "C" NOT NULL,
  data TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (account, source, delivery, place)
);
CREATE INDEX observation_group ON observation (account, source, subject_group);

CREATE TABLE object (
  account TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  data TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (account, source, kind, id)
);

CREATE TABLE fact (
  account TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  fact_key TEXT COLLATE "C" NOT NULL,
  subject_group TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  at BIGINT NOT NULL,
  customer TEXT COLLATE "C",
  subscription TEXT COLLATE "C",
  data TEXT COLLATE "C" NOT NULL,
  delivery TEXT COLLATE "C",
  told_at BIGINT NOT NULL,
  retracted_at BIGINT,
  PRIMARY KEY (account, source, fact_key)
);
CREATE INDEX fact_group ON fact (account, source, subject_group);
CREATE INDEX fact_time ON fact (account, at, source, fact_key);

CREATE TABLE access_state (
  account TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  customer TEXT COLLATE "C" NOT NULL,
  subject_group TEXT COLLATE "C" NOT NULL,
  number BIGINT NOT NULL,
  summary TEXT COLLATE "C" NOT NULL,
  turns_at BIGINT,
  PRIMARY KEY (account, source, customer)
);
CREATE INDEX access_state_turn ON access_state (turns_at) WHERE turns_at IS NOT NULL;

CREATE TABLE reaction (
  account TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  subject TEXT COLLATE "C" NOT NULL,
  fact_key TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  data TEXT COLLATE "C" NOT NULL,
  delivery TEXT COLLATE "C",
  state TEXT COLLATE "C" NOT NULL,
  due_at BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  done TEXT COLLATE "C" NOT NULL,
  lease TEXT COLLATE "C",
  error TEXT COLLATE "C",
  created_at BIGINT NOT NULL,
  finished_at BIGINT,
  PRIMARY KEY (account, id)
);
CREATE INDEX reaction_due ON reaction (due_at, id) WHERE state = 'waiting';
CREATE INDEX reaction_subject ON reaction (account, source, subject, id) WHERE state = 'waiting';
CREATE INDEX reaction_fact ON reaction (account, source, fact_key, id);
CREATE INDEX reaction_delivery ON reaction (account, delivery);

CREATE TABLE link (
  account TEXT COLLATE "C" NOT NULL,
  app_user TEXT COLLATE "C" NOT NULL,
  source TEXT COLLATE "C" NOT NULL,
  customer TEXT COLLATE "C" NOT NULL,
  origin TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (account, app_user, source, customer)
);
CREATE INDEX link_customer ON link (account, source, customer, app_user);

CREATE TABLE hold (
  account TEXT COLLATE "C" NOT NULL,
  id TEXT COLLATE "C" NOT NULL,
  app_user TEXT COLLATE "C" NOT NULL,
  data TEXT COLLATE "C" NOT NULL,
  removed_at BIGINT,
  PRIMARY KEY (account, id)
);
CREATE INDEX hold_user ON hold (account, app_user);

CREATE TABLE policy (
  account TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  data TEXT COLLATE "C" NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (account, version)
);
