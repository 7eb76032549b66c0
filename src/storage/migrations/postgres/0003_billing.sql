-- The billing system: accounts with their clocks, entities, what is due, facts told, charges asked for, answers given.
CREATE TABLE billing_account (
  account TEXT NOT NULL PRIMARY KEY,
  test_clock BIGINT NOT NULL,
  data TEXT NOT NULL
);

-- Lists are in the order in which the rows were made, among those of one time: their index grows at its end.
CREATE TABLE billing_entity (
  seq BIGINT GENERATED ALWAYS AS IDENTITY,
  account TEXT NOT NULL,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  customer TEXT NOT NULL,
  live BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (account, kind, id)
);
CREATE INDEX billing_entity_customer ON billing_entity (account, customer, live);
CREATE INDEX billing_entity_list ON billing_entity (account, kind, created_at, seq);

CREATE TABLE billing_aggregate (
  account TEXT NOT NULL,
  customer TEXT NOT NULL,
  due_at BIGINT,
  minted BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (account, customer)
);
CREATE INDEX billing_aggregate_due ON billing_aggregate (account, due_at, customer) WHERE due_at IS NOT NULL;

CREATE TABLE billing_fact (
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account TEXT NOT NULL,
  id TEXT NOT NULL,
  at BIGINT NOT NULL,
  data TEXT NOT NULL
);
CREATE INDEX billing_fact_account ON billing_fact (account, seq);

CREATE TABLE billing_charge (
  account TEXT NOT NULL,
  charge_key TEXT NOT NULL,
  kind TEXT NOT NULL,
  customer TEXT NOT NULL,
  payment TEXT NOT NULL,
  refund TEXT,
  attempt BIGINT NOT NULL,
  state TEXT NOT NULL,
  due_at BIGINT,
  tries BIGINT NOT NULL,
  PRIMARY KEY (account, charge_key)
);
CREATE INDEX billing_charge_wanted ON billing_charge (due_at, account) WHERE state = 'wanted';
CREATE INDEX billing_charge_account ON billing_charge (account, due_at) WHERE state = 'wanted';

CREATE TABLE billing_answer (
  account TEXT NOT NULL,
  answer_key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  answer TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (account, answer_key)
);

-- Invoices that wait at the payment gate, by the fact whose deliveries they wait for.
CREATE TABLE billing_gate (
  account TEXT NOT NULL,
  fact TEXT NOT NULL,
  invoice TEXT NOT NULL,
  PRIMARY KEY (account, fact)
);
