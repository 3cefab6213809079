-- Accounts, workspaces, tokens, servers, installs and the audit log.
-- The same tables stand under the same file name for the other engine.

CREATE TABLE accounts (
    id              TEXT NOT NULL PRIMARY KEY,
    email           TEXT NOT NULL UNIQUE,
    username        TEXT NOT NULL UNIQUE,
    plan            TEXT NOT NULL,
    kind            TEXT NOT NULL,
    revision        BIGINT NOT NULL,
    created_at_ms   BIGINT NOT NULL
);

CREATE TABLE account_keys (
    id              TEXT NOT NULL PRIMARY KEY,
    account_id      TEXT NOT NULL REFERENCES accounts (id),
    name            TEXT NOT NULL,
    digest          BLOB NOT NULL UNIQUE,
    created_at_ms   BIGINT NOT NULL,
    last_used_at_ms BIGINT,
    revoked_at_ms   BIGINT
);
CREATE INDEX account_keys_by_account ON account_keys (account_id, id);

-- A slug is never used again, so it is unique over deleted workspaces too.
CREATE TABLE workspaces (
    id              TEXT NOT NULL PRIMARY KEY,
    slug            TEXT NOT NULL UNIQUE,
    owner_id        TEXT NOT NULL REFERENCES accounts (id),
    name            TEXT NOT NULL,
    description     TEXT NOT NULL,
    tool_prefix     TEXT NOT NULL,
    revision        BIGINT NOT NULL,
    created_at_ms   BIGINT NOT NULL,
    deleted_at_ms   BIGINT
);
CREATE INDEX workspaces_by_owner ON workspaces (owner_id, slug);

-- A name is unique among *active* tokens only. That depends on the clock, so no constraint can say
-- it: it is checked in the transaction that inserts, which holds the workspace's revision.
CREATE TABLE tokens (
    id                    TEXT NOT NULL PRIMARY KEY,
    workspace_id          TEXT NOT NULL REFERENCES workspaces (id),
    name                  TEXT NOT NULL,
    digest                BLOB NOT NULL UNIQUE,
    person                TEXT,
    rate_limit_per_minute BIGINT,
    takes_seat            BIGINT NOT NULL,
    created_by            TEXT NOT NULL REFERENCES accounts (id),
    created_at_ms         BIGINT NOT NULL,
    expires_at_ms         BIGINT,
    revoked_at_ms         BIGINT
);
CREATE INDEX tokens_by_workspace ON tokens (workspace_id, id);
CREATE INDEX tokens_by_name ON tokens (workspace_id, name);
CREATE INDEX tokens_unrevoked ON tokens (workspace_id, expires_at_ms) WHERE revoked_at_ms IS NULL;

-- Apart from tokens, so that use never waits for administration.
CREATE TABLE token_activity (
    token_id        TEXT NOT NULL PRIMARY KEY REFERENCES tokens (id),
    last_used_at_ms BIGINT NOT NULL
);

CREATE TABLE servers (
    id              TEXT NOT NULL PRIMARY KEY,
    owner_id        TEXT NOT NULL REFERENCES accounts (id),
    slug            TEXT NOT NULL,
    url             TEXT NOT NULL,
    auth            TEXT NOT NULL,
    session         TEXT NOT NULL,
    timeout_ms      BIGINT,
    created_at_ms   BIGINT NOT NULL,
    UNIQUE (owner_id, slug)
);

CREATE TABLE installs (
    id              TEXT NOT NULL PRIMARY KEY,
    workspace_id    TEXT NOT NULL REFERENCES workspaces (id),
    server_id       TEXT NOT NULL REFERENCES servers (id),
    slug            TEXT NOT NULL,
    enabled         BIGINT NOT NULL,
    disabled_tools  TEXT NOT NULL,
    created_at_ms   BIGINT NOT NULL,
    UNIQUE (workspace_id, slug)
);
CREATE INDEX installs_by_server ON installs (server_id);

-- The last good tool list of an install, and its last failure. Kept apart because only the state
-- of a workspace reads it whole, and it may be megabytes.
CREATE TABLE install_lists (
    install_id      TEXT NOT NULL PRIMARY KEY REFERENCES installs (id) ON DELETE CASCADE,
    tools           TEXT,
    listed_at_ms    BIGINT,
    last_error      TEXT,
    failed_at_ms    BIGINT
);

-- Append-only. `chain` is the id of a workspace or of an account; `key_id` names the sealing key.
CREATE TABLE audit (
    chain           TEXT NOT NULL,
    sequence        BIGINT NOT NULL,
    at_ms           BIGINT NOT NULL,
    actor           TEXT NOT NULL,
    action          TEXT NOT NULL,
    object          TEXT NOT NULL,
    detail          TEXT NOT NULL,
    key_id          TEXT NOT NULL,
    seal            BLOB NOT NULL,
    PRIMARY KEY (chain, sequence)
);
