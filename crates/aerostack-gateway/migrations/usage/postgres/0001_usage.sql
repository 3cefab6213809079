-- Single calls, and sums of them by hour and by day.
-- Names are written once and stand for themselves as small numbers everywhere else.
-- The same tables stand under the same file name for the other engine.

CREATE TABLE usage_workspaces (
    id              BIGINT NOT NULL PRIMARY KEY,
    workspace_id    TEXT COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE usage_tokens (
    id              BIGINT NOT NULL PRIMARY KEY,
    workspace       BIGINT NOT NULL,
    token_id        TEXT COLLATE "C" NOT NULL UNIQUE,
    name            TEXT COLLATE "C" NOT NULL,
    person          TEXT COLLATE "C"
);
CREATE INDEX usage_tokens_by_workspace ON usage_tokens (workspace);
CREATE INDEX usage_tokens_by_person ON usage_tokens (person, workspace);

CREATE TABLE usage_tools (
    id              BIGINT NOT NULL PRIMARY KEY,
    workspace       BIGINT NOT NULL,
    server          TEXT COLLATE "C" NOT NULL,
    tool            TEXT COLLATE "C" NOT NULL,
    UNIQUE (workspace, server, tool)
);

CREATE TABLE usage_clients (
    id              BIGINT NOT NULL PRIMARY KEY,
    name            TEXT COLLATE "C" NOT NULL UNIQUE
);

-- One row: the number of the newest call, and the number up to which calls are added up.
CREATE TABLE usage_state (
    one             BIGINT NOT NULL PRIMARY KEY,
    last_id         BIGINT NOT NULL,
    added_up_to     BIGINT NOT NULL
);
INSERT INTO usage_state (one, last_id, added_up_to) VALUES (1, 0, 0);

-- Numbered in the order in which they were committed. A partition for each day, so that forgetting a day
-- is dropping a table.
CREATE TABLE usage_calls (
    id              BIGINT NOT NULL,
    workspace       BIGINT NOT NULL,
    at_ms           BIGINT NOT NULL,
    token           BIGINT NOT NULL,
    tool            BIGINT NOT NULL,
    client          BIGINT NOT NULL,
    outcome         BIGINT NOT NULL,
    total_us        BIGINT NOT NULL,
    upstream_us     BIGINT,
    bytes_in        BIGINT NOT NULL,
    bytes_out       BIGINT NOT NULL
) PARTITION BY RANGE (at_ms);
CREATE INDEX usage_calls_by_id ON usage_calls (id);
CREATE INDEX usage_calls_by_time ON usage_calls (workspace, at_ms, id);

-- `grain`: 0 hours, 1 days, both counted from 1970. `kind`: 0 the whole workspace, 1 each token, 2 each
-- tool, 3 each token and tool; a column that a kind does not tell apart is 0.
CREATE TABLE usage_tallies (
    workspace       BIGINT NOT NULL,
    grain           BIGINT NOT NULL,
    kind            BIGINT NOT NULL,
    bucket          BIGINT NOT NULL,
    token           BIGINT NOT NULL,
    tool            BIGINT NOT NULL,
    tally           BYTEA NOT NULL,
    PRIMARY KEY (workspace, grain, kind, bucket, token, tool)
);
