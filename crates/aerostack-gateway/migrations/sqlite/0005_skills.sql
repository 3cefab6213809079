-- Skills, their versions, and installs of them beside those of servers.
-- The same tables stand under the same file name for the other engine.

CREATE TABLE skills (
    id              TEXT NOT NULL PRIMARY KEY,
    owner_id        TEXT NOT NULL REFERENCES accounts (id),
    name            TEXT NOT NULL,
    visibility      TEXT NOT NULL,
    created_at_ms   BIGINT NOT NULL,
    UNIQUE (owner_id, name)
);

-- `number` is the version as one number that sorts alike. A row never changes.
CREATE TABLE skill_versions (
    id              TEXT NOT NULL PRIMARY KEY,
    skill_id        TEXT NOT NULL REFERENCES skills (id),
    number          BIGINT NOT NULL,
    description     TEXT NOT NULL,
    backing         TEXT NOT NULL,
    url             TEXT NOT NULL,
    tools           TEXT NOT NULL,
    trusted         BIGINT NOT NULL,
    published_at_ms BIGINT NOT NULL,
    UNIQUE (skill_id, number)
);

-- An install is of a server or of a version of a skill. The column is made anew, since SQLite cannot take
-- the NOT NULL from the old one; the table itself must stay, because lists and more refer to it.
DROP INDEX installs_by_server;
ALTER TABLE installs ADD COLUMN server TEXT REFERENCES servers (id);
UPDATE installs SET server = server_id;
ALTER TABLE installs DROP COLUMN server_id;
ALTER TABLE installs RENAME COLUMN server TO server_id;
ALTER TABLE installs ADD COLUMN skill_version_id TEXT REFERENCES skill_versions (id)
    CHECK ((server_id IS NULL) <> (skill_version_id IS NULL));
CREATE INDEX installs_by_server ON installs (server_id);
CREATE INDEX installs_by_skill_version ON installs (skill_version_id);
