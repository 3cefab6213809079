-- Who joined a single workspace, and which invitations met a full plan.
-- The same tables stand under the same file name for the other engine.

-- Belonging to a workspace is no place in the team: it is known by the token that came with it.
CREATE TABLE workspace_members (
    workspace_id    TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    account_id      TEXT COLLATE "C" NOT NULL REFERENCES accounts (id),
    joined_at_ms    BIGINT NOT NULL,
    PRIMARY KEY (workspace_id, account_id)
);
CREATE INDEX workspace_members_by_account ON workspace_members (account_id, workspace_id);

-- When somebody with the link last found no free seat; the link stays good.
ALTER TABLE invites ADD COLUMN no_seat_at_ms BIGINT;

-- Offboarding asks for all tokens of a person.
CREATE INDEX tokens_by_person ON tokens (person, workspace_id) WHERE person IS NOT NULL;
