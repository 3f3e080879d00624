-- What nodes other than commands need: sensors that wait, branches that choose.

-- Sensors and choices. SQLite changes no constraint of a table that is there, so the two tables are made anew.
-- Nothing refers to either, and their rows are taken as they are.

-- As in 0001, but: a task may be `waiting`, and while it is it may have an attempt, by which it looks.
create table tasks_made_anew (
    run_id integer not null constraint tasks_run_exists references runs (id),
    path text not null,
    state text not null,
    -- When it came into this state; of a waiting task: since when it waits, however often it has looked; of a
    -- retrying one: when the next attempt is due.
    at integer,
    -- Attempts ever made, and how many of them do not count against the retry budget.
    attempts integer not null,
    forgiven integer not null,
    -- The live attempt of a running task, and of a waiting one that looks.
    attempt integer,
    -- The facts behind the state, in JSON: failure, reason, culprit, kill.
    detail text,
    constraint tasks_key primary key (run_id, path),
    constraint tasks_state_known check (state in ('pending', 'queued', 'running', 'waiting', 'retrying',
        'succeeded', 'failed', 'skipped', 'upstream_failed', 'cancelled')),
    constraint tasks_forgiven_made check (forgiven between 0 and attempts),
    constraint tasks_attempt_while_running check (case state
        when 'running' then attempt is not null
        when 'waiting' then true
        else attempt is null end)
) strict, without rowid;

insert into tasks_made_anew (run_id, path, state, at, attempts, forgiven, attempt, detail)
select run_id, path, state, at, attempts, forgiven, attempt, detail from tasks;

drop table tasks;
alter table tasks_made_anew rename to tasks;
create index tasks_failed on tasks (run_id, path) where state = 'failed';

-- As in 0001, but an attempt may have chosen what is no choice.
create table attempts_made_anew (
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
    -- Of an outcome that needs words: what was missing, what is known, what cannot be read, what is no choice.
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
        ('code', 'signal', 'timed_out', 'killed', 'not_started', 'lost', 'bad_output', 'bad_choice')),
    constraint attempts_end_has_outcome check ((ended_at is null) = (outcome is null)),
    constraint attempts_code_given check ((outcome is 'code') = (exit_code is not null)),
    constraint attempts_signal_given check ((outcome is 'signal') = (exit_signal is not null))
) strict;

insert into attempts_made_anew (id, run_id, path, number, start_id, created_at, started_at, ended_at, outcome,
    exit_code, exit_signal, exit_text, kill, pid, cpu_user_ms, cpu_system_ms, max_rss_bytes, log_path, log_bytes,
    log_dropped_bytes)
select id, run_id, path, number, start_id, created_at, started_at, ended_at, outcome, exit_code, exit_signal,
    exit_text, kill, pid, cpu_user_ms, cpu_system_ms, max_rss_bytes, log_path, log_bytes, log_dropped_bytes
from attempts;

-- The highest number ever given goes along: that attempt may have been deleted since.
delete from sqlite_sequence where name = 'attempts_made_anew';
insert into sqlite_sequence (name, seq)
select 'attempts_made_anew', seq from sqlite_sequence where name = 'attempts';

drop table attempts;
alter table attempts_made_anew rename to attempts;
create index attempts_live on attempts (run_id) where ended_at is null;

-- What sensors were last answered, for people who ask what they wait for. It is written now and then, and stays
-- when the sensor has ended, until it waits again.
create table pokes (
    run_id integer not null constraint pokes_run_exists references runs (id),
    path text not null,
    -- How often it has been asked in this wait, and when last.
    pokes integer not null,
    at integer not null,
    words text not null,
    -- When it is asked again, at the latest.
    next_at integer,
    constraint pokes_key primary key (run_id, path)
) strict, without rowid;
