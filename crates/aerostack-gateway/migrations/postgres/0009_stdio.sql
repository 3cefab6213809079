-- Servers that are programs.
-- The same tables stand under the same file name for the other engine.

-- What is run, as JSON; without it the server is at its url.
ALTER TABLE servers ADD COLUMN stdio TEXT COLLATE "C";
