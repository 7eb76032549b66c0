-- Kinds of mail that a person does not want, and mails that have gone out.
CREATE TABLE mail_opt_out (
  account TEXT NOT NULL,
  app_user TEXT NOT NULL,
  kind TEXT NOT NULL,
  PRIMARY KEY (account, app_user, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE mail_sent (
  account TEXT NOT NULL,
  key TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;
