-- Single calls, and sums of them by hour and by day.
-- Names are written once and stand for themselves as small numbers everywhere else.
-- The same tables stand under the same file name for the other engine.

CREATE TABLE usage_workspaces (
    id              INTEGER NOT NULL PRIMARY KEY,
    workspace_id    TEXT NOT NULL UNIQUE
);

CREATE TABLE usage_tokens (
    id              INTEGER NOT NULL PRIMARY KEY,
    workspace       INTEGER NOT NULL,
    token_id        TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    person          TEXT
);
CREATE INDEX usage_tokens_by_workspace ON usage_tokens (workspace);
CREATE INDEX usage_tokens_by_person ON usage_tokens (person, workspace);

CREATE TABLE usage_tools (
    id              INTEGER NOT NULL PRIMARY KEY,
    workspace       INTEGER NOT NULL,
    server          TEXT NOT NULL,
    tool            TEXT NOT NULL,
    UNIQUE (workspace, server, tool)
);

CREATE TABLE usage_clients (
    id              INTEGER NOT NULL PRIMARY KEY,
    name            TEXT NOT NULL UNIQUE
);

-- One row: the number of the newest call, and the number up to which calls are added up.
CREATE TABLE usage_state (
    one             INTEGER NOT NULL PRIMARY KEY,
    last_id         INTEGER NOT NULL,
    added_up_to     INTEGER NOT NULL
);
INSERT INTO usage_state (one, last_id, added_up_to) VALUES (1, 0, 0);

-- Numbered in the order in which they were committed.
CREATE TABLE usage_calls (
    id              INTEGER NOT NULL PRIMARY KEY,
    workspace       INTEGER NOT NULL,
    at_ms           INTEGER NOT NULL,
    token           INTEGER NOT NULL,
    tool            INTEGER NOT NULL,
    client          INTEGER NOT NULL,
    outcome         INTEGER NOT NULL,
    total_us        INTEGER NOT NULL,
    upstream_us     INTEGER,
    bytes_in        INTEGER NOT NULL,
    bytes_out       INTEGER NOT NULL
);
CREATE INDEX usage_calls_by_time ON usage_calls (workspace, at_ms);

-- `grain`: 0 hours, 1 days, both counted from 1970. `kind`: 0 the whole workspace, 1 each token, 2 each
-- tool, 3 each token and tool; a column that a kind does not tell apart is 0.
CREATE TABLE usage_tallies (
    workspace       INTEGER NOT NULL,
    grain           INTEGER NOT NULL,
    kind            INTEGER NOT NULL,
    bucket          INTEGER NOT NULL,
    token           INTEGER NOT NULL,
    tool            INTEGER NOT NULL,
    tally           BLOB NOT NULL,
    PRIMARY KEY (workspace, grain, kind, bucket, token, tool)
) WITHOUT ROWID;
