-- Kinds of mail that a person does not want.
CREATE TABLE mail_opt_out (
  account TEXT NOT NULL,
  app_user TEXT NOT NULL,
  kind TEXT NOT NULL,
  PRIMARY KEY (account, app_user, kind)
) STRICT, WITHOUT ROWID;
