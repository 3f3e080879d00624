-- Lazy nodes: trees that are generated while a run goes on.

-- As in 0003, but an attempt may have written what is no tree. SQLite changes no constraint of a table that is
-- there, so it is made anew. Nothing refers to it, and its rows are taken as they are.
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
    -- Of an outcome that needs words: what was missing, what is known, what cannot be read, what is no choice
    -- or no tree.
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
        ('code', 'signal', 'timed_out', 'killed', 'not_started', 'lost', 'bad_output', 'bad_choice',
        'bad_tree')),
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

-- A tree that an attempt has written, which took the place of the lazy node's `execute` in the very transaction
-- that has its exit. The trees of a run, applied in the order of their attempts to that of its version, give the
-- tree that its rows are about; those that a later one has replaced stay as history.
create table trees (
    attempt integer not null constraint trees_attempt_exists references attempts (id),
    run_id integer not null constraint trees_run_exists references runs (id),
    -- The lazy node's.
    path text not null,
    -- SHA-256, in hex, and bytes of the text, which is kept compressed (zlib).
    hash text not null,
    size integer not null,
    source blob not null,
    created_at integer not null,
    constraint trees_key primary key (attempt)
) strict;

create index trees_by_run on trees (run_id, attempt);
