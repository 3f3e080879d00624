-- Definitions, runs, and everything a run leaves behind.
--
-- Rules of every table: STRICT; constraints have names, because a violated one is reported by its name;
-- an instant is an INTEGER of Unix milliseconds; a node is named by its path, because node numbers hold
-- only inside one version of a tree; a word in a state column is written and read by one pair of functions.

-- Each time somebody took this database over: which release, so that an older one can say what it met, and
-- on which boot of the machine. The id is the epoch with which the keeper tells old daemons from new ones.
create table starts (
    id integer primary key autoincrement,
    version text not null,
    boot_id text not null,
    at integer not null
) strict;

create table pipelines (
    id integer not null,
    name text not null,
    created_at integer not null,
    constraint pipelines_key primary key (id),
    constraint pipelines_name_unique unique (name),
    constraint pipelines_name_given check (name <> '')
) strict;

-- A definition never changes: runs are pinned to one. `defaults` is the part of the daemon's settings that
-- the file was read with, so that `source` and `defaults` together give the same tree for ever.
create table versions (
    id integer not null,
    pipeline_id integer not null constraint versions_pipeline_exists references pipelines (id),
    hash text not null,
    source text not null,
    defaults text not null,
    created_at integer not null,
    constraint versions_key primary key (id),
    constraint versions_hash_unique unique (pipeline_id, hash)
) strict;

-- AUTOINCREMENT, here and for attempts: an id is never given twice, not even after its row was deleted.
-- It is part of log paths and links, and an attempt's is the token that fences its launch.
create table runs (
    id integer primary key autoincrement,
    -- The version's, repeated for the indices.
    pipeline_id integer not null constraint runs_pipeline_exists references pipelines (id),
    version_id integer not null constraint runs_version_exists references versions (id),
    kind text not null,
    logical_date text not null,
    scheduled_at integer,
    interval_start integer not null,
    interval_end integer not null,
    params text not null,
    -- What else was in force: revisions of configuration, calendars, time zones, sexton itself.
    evidence text not null,
    -- Follows from the root's record; kept here because lists ask for it.
    state text not null,
    -- Failures that counted as success; known when the run has ended.
    suppressed integer not null default 0,
    created_at integer not null,
    started_at integer,
    ended_at integer,
    constraint runs_kind_known check (kind in ('scheduled', 'manual', 'backfill')),
    constraint runs_state_known check (state in
        ('queued', 'running', 'succeeded', 'failed', 'skipped', 'cancelled')),
    constraint runs_interval_ordered check (interval_start <= interval_end),
    constraint runs_params_json check (json_valid(params)),
    constraint runs_evidence_json check (json_valid(evidence))
) strict;

-- Each ends in the row id, which is the order of the lists.
create index runs_by_pipeline on runs (pipeline_id);
create index runs_by_pipeline_state on runs (pipeline_id, state);
create index runs_by_pipeline_kind on runs (pipeline_id, kind);
create index runs_by_pipeline_date on runs (pipeline_id, logical_date);
create index runs_by_state on runs (state);
create index runs_by_kind on runs (kind);
create index runs_by_date on runs (logical_date);
create index runs_by_state_date on runs (state, logical_date);
create index runs_by_kind_date on runs (kind, logical_date);
-- For the foreign key: a version is deleted only when no run is pinned to it.
create index runs_by_version on runs (version_id);

-- A leaf that has left `pending` in this run. Leaves without a row follow from what stands above them: a
-- million nodes never mean a million rows at once.
create table tasks (
    run_id integer not null constraint tasks_run_exists references runs (id),
    path text not null,
    state text not null,
    -- When it came into this state; of a retrying task: when the next attempt is due.
    at integer,
    -- Attempts ever made, and how many of them no longer count against the retry budget.
    attempts integer not null,
    forgiven integer not null,
    -- The live attempt of a running task.
    attempt integer,
    -- The facts behind the state, in JSON: failure, reason, culprit, kill.
    detail text,
    constraint tasks_key primary key (run_id, path),
    constraint tasks_state_known check (state in ('pending', 'queued', 'running', 'retrying', 'succeeded',
        'failed', 'skipped', 'upstream_failed', 'cancelled')),
    constraint tasks_forgiven_made check (forgiven between 0 and attempts),
    constraint tasks_attempt_while_running check ((attempt is not null) = (state = 'running'))
) strict, without rowid;

-- What people look for first among a million.
create index tasks_failed on tasks (run_id, path) where state = 'failed';

-- The same for containers. When one has ended it carries how its leaves ended.
create table containers (
    run_id integer not null constraint containers_run_exists references runs (id),
    path text not null,
    state text not null,
    at integer,
    detail text,
    succeeded integer not null,
    failed integer not null,
    skipped integer not null,
    upstream_failed integer not null,
    cancelled integer not null,
    constraint containers_key primary key (run_id, path),
    constraint containers_state_known check (state in
        ('queued', 'running', 'succeeded', 'failed', 'skipped', 'upstream_failed', 'cancelled'))
) strict, without rowid;

-- One try of a task. It outlives a clear, so it names its task without referring to the row.
create table attempts (
    id integer primary key autoincrement,
    run_id integer not null constraint attempts_run_exists references runs (id),
    path text not null,
    number integer not null,
    -- The start of sexton, and with it the boot, that began it.
    start_id integer not null constraint attempts_start_exists references starts (id),
    -- When it got its place, when its command began, when it was gone.
    created_at integer not null,
    started_at integer,
    ended_at integer,
    outcome text,
    exit_code integer,
    exit_signal integer,
    -- Of an outcome that needs words: what was missing, what is known, what cannot be read.
    exit_text text,
    -- Why and by whom it was being ended, in JSON, if it was.
    kill text,
    pid integer,
    cpu_user_ms integer,
    cpu_system_ms integer,
    max_rss_bytes integer,
    log_path text,
    log_bytes integer,
    log_dropped_bytes integer,
    constraint attempts_number_unique unique (run_id, path, number),
    constraint attempts_number_from_one check (number > 0),
    constraint attempts_outcome_known check (outcome in
        ('code', 'signal', 'timed_out', 'killed', 'not_started', 'lost', 'bad_output')),
    constraint attempts_end_has_outcome check ((ended_at is null) = (outcome is null)),
    constraint attempts_code_given check ((outcome is 'code') = (exit_code is not null)),
    constraint attempts_signal_given check ((outcome is 'signal') = (exit_signal is not null))
) strict;

create index attempts_live on attempts (run_id) where ended_at is null;

-- What a task wrote to $SEXTON_OUTPUT.
create table outputs (
    run_id integer not null constraint outputs_run_exists references runs (id),
    path text not null,
    key text not null,
    value text not null,
    constraint outputs_key primary key (run_id, path, key)
) strict, without rowid;

-- What happened to a run: one row a commit, an array of events, each with its instant. Replayed in order
-- they give the run's records.
create table journal (
    run_id integer not null constraint journal_run_exists references runs (id),
    seq integer not null,
    at integer not null,
    events text not null,
    constraint journal_key primary key (run_id, seq),
    constraint journal_events_json check (json_valid(events))
) strict, without rowid;

-- Always empty. An update that met fewer rows than it names is entered here and refused by the constraint,
-- which takes the whole transaction with it.
create table refusals (
    missing integer not null,
    constraint updated_row_exists check (missing = 0)
) strict;
