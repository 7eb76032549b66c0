-- What the store knows about itself, by name: one row per setting.
CREATE TABLE setting (
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (account, name)
);
