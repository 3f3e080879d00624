-- The market: schedules that go by the sessions of exchanges.

-- The files of calendars that were in force beside sexton.yaml, in JSON: a list of paths and texts.
alter table settings add column calendars text not null default '[]';

-- Of a schedule whose slots may move, the last slot that has been considered, as its key: what comes after it has
-- not been, wherever its instant is by now. Null where there was none yet, and where instants stay.
alter table schedules add column considered text;

-- The calendar whose session of the logical date is the run's, by its code; null where it has none.
alter table runs add column calendar text;
