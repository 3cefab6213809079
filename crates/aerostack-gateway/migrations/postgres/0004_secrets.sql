-- Secrets of installed servers, and what is kept of master keys that were replaced.
-- The same tables stand under the same file name for the other engine.

-- A value is sealed for its row: workspace, install, address, name and key are bound into it. The
-- install is no reference, so that whatever is installed can have secrets; they go with it all the same.
CREATE TABLE secrets (
    workspace_id    TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    install_id      TEXT COLLATE "C" NOT NULL,
    name            TEXT COLLATE "C" NOT NULL,
    address         TEXT COLLATE "C" NOT NULL,
    key_id          TEXT COLLATE "C" NOT NULL,
    sealed          BYTEA NOT NULL,
    revision        BIGINT NOT NULL,
    created_at_ms   BIGINT NOT NULL,
    updated_at_ms   BIGINT NOT NULL,
    PRIMARY KEY (install_id, name)
);
CREATE INDEX secrets_by_workspace ON secrets (workspace_id, install_id, name);

-- `id` is what audit rows of that time carry; `sealed_by` names the present master key.
CREATE TABLE former_keys (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    sealed_by       TEXT COLLATE "C" NOT NULL,
    sealed          BYTEA NOT NULL,
    retired_at_ms   BIGINT NOT NULL
);
