-- When a version of a skill was taken back: nobody installs it any more, and who has it keeps it.
-- The same column stands under the same file name for the other engine.

ALTER TABLE skill_versions ADD COLUMN yanked_at_ms BIGINT;
