-- Who joined whose team, and whether an account's address is proven.
-- The same tables stand under the same file name for the other engine.

ALTER TABLE accounts ADD COLUMN email_verified BIGINT NOT NULL DEFAULT 1;

CREATE TABLE team_members (
    team_id         TEXT NOT NULL REFERENCES accounts (id),
    account_id      TEXT NOT NULL REFERENCES accounts (id),
    role            TEXT NOT NULL,
    joined_at_ms    BIGINT NOT NULL,
    PRIMARY KEY (team_id, account_id)
);
CREATE INDEX team_members_by_account ON team_members (account_id, team_id);

-- An address in a private network is an operator's to give, also where a team's admins keep the catalogue.
ALTER TABLE servers ADD COLUMN trusted BIGINT NOT NULL DEFAULT 0;
UPDATE servers SET trusted = 1 WHERE owner_id IN (SELECT id FROM accounts WHERE kind = 'operator');
