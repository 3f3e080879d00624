-- Schedules, how far each has been considered, and the ledger: what became of every slot.

-- What is in force: the pipelines of the last set of files that was valid as a whole. One that is gone from
-- the files keeps its row for its runs, without a version in force.
alter table pipelines add column version_in_force integer
    constraint pipelines_version_exists references versions (id);
-- Set while the pipeline is paused: its slots make no runs. It stays paused while it is out of force.
alter table pipelines add column paused_at integer;
alter table pipelines add column paused_by text
    constraint pipelines_pause_has_author check ((paused_by is null) = (paused_at is null));

create index pipelines_in_force on pipelines (version_in_force) where version_in_force is not null;

-- Each sexton.yaml that was in force, as text; the last row is.
create table settings (
    id integer not null,
    source text not null,
    loaded_at integer not null,
    constraint settings_key primary key (id)
) strict;

-- A schedule in force. Slots at or before `watermark` have been considered and never are again. `spelled` is
-- the schedule as text: with another text it is another schedule, which begins anew.
create table schedules (
    pipeline_id integer not null constraint schedules_pipeline_exists references pipelines (id),
    name text not null,
    spelled text not null,
    watermark integer not null,
    constraint schedules_key primary key (pipeline_id, name)
) strict, without rowid;

-- A slot that was considered, or a stretch of slots (`first` to `last`, `count` of them) that came to the
-- same. It outlives its schedule.
create table ledger (
    id integer not null,
    pipeline_id integer not null constraint ledger_pipeline_exists references pipelines (id),
    schedule text not null,
    -- What makes the slot, or the first of the stretch, the one it is: an instant in UTC, or `boot` and an id.
    slot text not null,
    first integer not null,
    last integer not null,
    count integer not null,
    decision text not null,
    reason text not null,
    -- The run it made. Such a slot has fired for ever, whatever became of the run.
    run_id integer constraint ledger_run_exists references runs (id),
    decided_at integer not null,
    -- A bound, in milliseconds, on how long a stretch of its kind is. Whoever looks for the stretches that go
    -- on at an instant looks back no further than this.
    reach integer not null as (case
        when last - first <= 3600000 then 3600000
        when last - first <= 86400000 then 86400000
        when last - first <= 2678400000 then 2678400000
        else 1000000000000000 end),
    constraint ledger_key primary key (id),
    constraint ledger_slot_unique unique (pipeline_id, schedule, slot),
    constraint ledger_decision_known check (decision in
        ('fired', 'missed', 'expired', 'skipped', 'paused', 'rebased')),
    constraint ledger_stretch_ordered check (first <= last and count >= 0),
    constraint ledger_fired_has_run check (decision <> 'fired' or run_id is not null),
    constraint ledger_run_is_of_one_slot check (run_id is null or (first = last and count = 1)),
    constraint ledger_run_was_wanted check (run_id is null or decision in ('fired', 'expired', 'skipped'))
) strict;

-- Each ends in the row id: `first, id` is the order of the lists.
create index ledger_by_time on ledger (first);
create index ledger_by_pipeline on ledger (pipeline_id, first);
create index ledger_by_decision on ledger (decision, first);
create index ledger_by_pipeline_decision on ledger (pipeline_id, decision, first);
create index ledger_stretches on ledger (reach, first) where first < last;
-- The slot of a run, and the slots that have fired beyond a watermark.
create unique index ledger_by_run on ledger (run_id) where run_id is not null;
create index ledger_fired on ledger (pipeline_id, schedule, first) where run_id is not null;

-- A slot that has made a run and was to be something else: refused, as a row that is missing is.
alter table refusals add column fired_before integer not null default 0
    constraint slot_fires_once check (fired_before = 0);
