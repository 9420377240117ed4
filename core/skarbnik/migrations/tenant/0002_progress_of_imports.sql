-- How far a file has been read: a clerk who waits for a large one sees it move.
ALTER TABLE import_runs ADD COLUMN bytes_all BIGINT, ADD COLUMN bytes_read BIGINT;
