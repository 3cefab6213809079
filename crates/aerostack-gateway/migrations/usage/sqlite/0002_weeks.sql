-- Sums by week, `grain` 2, seven days each, counted from 1970; none of `kind` 0. They are whole from one week on:
-- what was added up before them is in days and hours alone.
-- The same column stands under the same file name for the other engine.

ALTER TABLE usage_state ADD COLUMN weeks_from INTEGER NOT NULL DEFAULT 0;
UPDATE usage_state
    SET weeks_from = COALESCE((SELECT MAX(bucket) / 7 + 1 FROM usage_tallies WHERE grain = 1), 0);
