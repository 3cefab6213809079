-- The last good lists of an install hold more than tools: prompts, resources and resource templates as well.
-- The same change stands under the same file name for the other engine.

ALTER TABLE install_lists RENAME COLUMN tools TO offers;
