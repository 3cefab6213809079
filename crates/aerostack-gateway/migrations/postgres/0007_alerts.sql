-- Who is told when a workspace's calls fail or grow, and what was told so far.
-- The same tables stand under the same file name for the other engine.

-- The signing secret is sealed for its workspace. `error_rate` is in hundredths of a percent. `revision` is the
-- workspace's when this was set: what was found under another one is void.
CREATE TABLE alerts (
    workspace_id    TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES workspaces (id),
    revision        BIGINT NOT NULL,
    url             TEXT COLLATE "C" NOT NULL,
    trusted         BIGINT NOT NULL,
    key_id          TEXT COLLATE "C" NOT NULL,
    sealed          BYTEA NOT NULL,
    error_rate      BIGINT,
    min_calls       BIGINT NOT NULL,
    calls           BIGINT,
    window_minutes  BIGINT NOT NULL,
    created_at_ms   BIGINT NOT NULL,
    updated_at_ms   BIGINT NOT NULL
);

-- One row per rule of which something was found. `message` waits to be delivered as long as it has a moment
-- of its next try.
CREATE TABLE alert_rules (
    workspace_id    TEXT COLLATE "C" NOT NULL REFERENCES alerts (workspace_id),
    rule            TEXT COLLATE "C" NOT NULL,
    raised_at_ms    BIGINT,
    message_id      TEXT COLLATE "C",
    message         TEXT COLLATE "C",
    tries           BIGINT NOT NULL,
    next_try_at_ms  BIGINT,
    told_at_ms      BIGINT,
    last_error      TEXT COLLATE "C",
    PRIMARY KEY (workspace_id, rule)
);
CREATE INDEX alert_rules_waiting ON alert_rules (next_try_at_ms) WHERE next_try_at_ms IS NOT NULL;
