-- Invitations, links that sign in, and browsers that are signed in.
-- The same tables stand under the same file name for the other engine.

-- `workspace_id` is null for an invitation into the team. Whether one still waits depends on the
-- clock and on two moments, so "one per address" is kept by the transaction that inserts.
CREATE TABLE invites (
    id              TEXT NOT NULL PRIMARY KEY,
    team_id         TEXT NOT NULL REFERENCES accounts (id),
    workspace_id    TEXT REFERENCES workspaces (id),
    email           TEXT NOT NULL,
    role            TEXT NOT NULL,
    digest          BLOB NOT NULL UNIQUE,
    handed_over     BIGINT NOT NULL,
    invited_by      TEXT NOT NULL REFERENCES accounts (id),
    created_at_ms   BIGINT NOT NULL,
    expires_at_ms   BIGINT NOT NULL,
    accepted_at_ms  BIGINT,
    ended_at_ms     BIGINT
);
CREATE INDEX invites_by_team ON invites (team_id, created_at_ms);
CREATE INDEX invites_open ON invites (team_id, email) WHERE accepted_at_ms IS NULL AND ended_at_ms IS NULL;

CREATE TABLE sign_in_links (
    digest          BLOB NOT NULL PRIMARY KEY,
    account_id      TEXT NOT NULL REFERENCES accounts (id),
    created_at_ms   BIGINT NOT NULL,
    expires_at_ms   BIGINT NOT NULL,
    used_at_ms      BIGINT
);
CREATE INDEX sign_in_links_by_account ON sign_in_links (account_id, created_at_ms);

CREATE TABLE sessions (
    id              TEXT NOT NULL PRIMARY KEY,
    account_id      TEXT NOT NULL REFERENCES accounts (id),
    digest          BLOB NOT NULL UNIQUE,
    browser         TEXT NOT NULL,
    created_at_ms   BIGINT NOT NULL,
    last_used_at_ms BIGINT NOT NULL,
    ended_at_ms     BIGINT
);
CREATE INDEX sessions_by_account ON sessions (account_id, id);
