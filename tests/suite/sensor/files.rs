//! Files: put into place, grown, moved, in directories that are made later. But for the looks that the test
//! itself asks for, the next one would be in an hour: what is seen is heard of.

use std::fs::{self, File, FileTimes};
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use sexton::sensor::answer::Finding;
use tempfile::TempDir;

use super::post::{HOUR, files, on_watch};

const NOW: Duration = Duration::ZERO;
const TEN: Duration = Duration::from_secs(10);

/// Writes a file elsewhere and puts it into place.
fn put(dir: &TempDir, path: &str) {
    let new = dir.path().join("new");
    fs::write(&new, "some rows").unwrap();
    fs::rename(new, dir.path().join(path)).unwrap();
}

fn at(dir: &TempDir, path: &str) -> String {
    dir.path().join(path).display().to_string()
}

#[test]
fn a_file_that_is_there_is_seen_at_once() {
    let dir = TempDir::new().unwrap();
    put(&dir, "a.zip");
    on_watch(async |post| {
        let watch = post.watch(files(at(&dir, "a.zip"), NOW), HOUR);
        let answer = post.answer(watch).await;
        assert_eq!((answer.finding, answer.pokes), (Finding::Met, 1));
        assert_eq!(*answer.words, format!("{} is there", at(&dir, "a.zip")));
    });
}

#[test]
fn a_file_that_is_put_into_place_is_seen_at_once() {
    let dir = TempDir::new().unwrap();
    on_watch(async |post| {
        let waiting = post.watch(files(at(&dir, "b.zip"), NOW), HOUR);
        let watch = post.watch(files(at(&dir, "a.zip"), NOW), HOUR);
        assert_eq!(post.not_yet(watch).await, format!("no file matches {}", at(&dir, "a.zip")));
        put(&dir, "a.zip");
        assert_eq!(post.met(watch).await, format!("{} is there", at(&dir, "a.zip")));
        put(&dir, "b.zip");
        let answer = post.answer(waiting).await;
        assert_eq!((answer.finding, answer.pokes), (Finding::Met, 2), "what concerns others is no look");
    });
}

#[test]
fn a_file_that_is_written_in_place_is_seen_when_it_is_closed() {
    let dir = TempDir::new().unwrap();
    on_watch(async |post| {
        let watch = post.watch(files(at(&dir, "a.zip"), TEN), HOUR);
        post.not_yet(watch).await;
        let mut file = File::create(at(&dir, "a.zip")).unwrap();
        let words = post.not_yet(watch).await;
        let name = dir.path().file_name().unwrap().display();
        assert!(words.starts_with(&format!("{name}/a.zip changed ")), "{words}");
        assert!(words.ends_with(", must be still for 10s"), "{words}");
        file.write_all(b"rows").unwrap();
        let long_ago = SystemTime::UNIX_EPOCH + HOUR;
        file.set_times(FileTimes::new().set_modified(long_ago)).unwrap();
        drop(file);
        // It says of itself that it is old, and is the same a moment later.
        assert_eq!(post.met(watch).await, format!("{} is there, still for 10s", at(&dir, "a.zip")));
    });
}

#[test]
fn directories_may_come_later() {
    let dir = TempDir::new().unwrap();
    on_watch(async |post| {
        let watch = post.watch(files(at(&dir, "in/factset/2026/a.zip"), NOW), HOUR);
        let missing = |missing: &str| {
            let (path, missing) = (at(&dir, "in/factset/2026/a.zip"), at(&dir, missing));
            format!("no file matches {path}: there is no directory {missing}")
        };
        assert_eq!(post.not_yet(watch).await, missing("in"));
        fs::create_dir(dir.path().join("in")).unwrap();
        assert_eq!(post.not_yet(watch).await, missing("in/factset"));
        fs::create_dir_all(dir.path().join("elsewhere/2026")).unwrap();
        put(&dir, "elsewhere/2026/a.zip");
        fs::rename(dir.path().join("elsewhere"), dir.path().join("in/factset")).unwrap();
        assert_eq!(post.met(watch).await, format!("{} is there", at(&dir, "in/factset/2026/a.zip")));
    });
}

#[test]
fn a_directory_that_is_taken_away_and_made_again_is_watched_again() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("in")).unwrap();
    on_watch(async |post| {
        let watch = post.watch(files(at(&dir, "in/a.zip"), NOW), HOUR);
        let pattern = at(&dir, "in/a.zip");
        assert_eq!(post.not_yet(watch).await, format!("no file matches {pattern}"));
        fs::remove_dir(dir.path().join("in")).unwrap();
        let missing = at(&dir, "in");
        while post.not_yet(watch).await
            != format!("no file matches {pattern}: there is no directory {missing}")
        {}
        fs::create_dir(dir.path().join("in")).unwrap();
        put(&dir, "in/a.zip");
        post.met(watch).await;
    });
}

#[test]
fn all_that_match_have_to_be_still() {
    let dir = TempDir::new().unwrap();
    for name in ["prices_1.csv", "prices_2.csv", ".prices_3.csv", "other.csv"] {
        put(&dir, name);
        let file = File::options().write(true).open(dir.path().join(name)).unwrap();
        let long_ago = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH);
        if name != "prices_2.csv" {
            file.set_times(long_ago).unwrap();
        }
    }
    on_watch(async |post| {
        let watch = post.watch(files(at(&dir, "prices_?.csv"), TEN), HOUR);
        let name = dir.path().file_name().unwrap().display();
        let words = post.not_yet(watch).await;
        assert!(words.starts_with(&format!("2 files match; {name}/prices_2.csv changed ")), "{words}");
        assert!(words.ends_with(", must be still for 10s"), "{words}");
        let file = File::options().write(true).open(dir.path().join("prices_2.csv")).unwrap();
        file.set_times(FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + HOUR)).unwrap();
        drop(file);
        let words = post.met(watch).await;
        assert_eq!(words, format!("2 files match {}, still for 10s", at(&dir, "prices_?.csv")));
    });
}

#[test]
fn patterns_reach_through_directories() {
    let dir = TempDir::new().unwrap();
    for made in ["2026/11", "2027/11", ".hidden/11"] {
        fs::create_dir_all(dir.path().join(made)).unwrap();
    }
    on_watch(async |post| {
        let some = post.watch(files(at(&dir, "202?/11/*.zip"), NOW), HOUR);
        let deep = post.watch(files(at(&dir, "**/b.zip"), NOW), HOUR);
        let later = post.watch(files(at(&dir, "*/12/*.zip"), NOW), HOUR);
        for watch in [some, deep, later] {
            post.not_yet(watch).await;
        }
        put(&dir, ".hidden/11/b.zip");
        put(&dir, "2027/11/a.zip");
        assert_eq!(post.met(some).await, format!("{} is there", at(&dir, "2027/11/a.zip")));
        put(&dir, "2026/b.zip");
        assert_eq!(post.met(deep).await, format!("{} is there", at(&dir, "2026/b.zip")));
        fs::create_dir(dir.path().join("2026/12")).unwrap();
        put(&dir, "2026/12/a.zip");
        assert_eq!(post.met(later).await, format!("{} is there", at(&dir, "2026/12/a.zip")));
    });
}

#[test]
fn links_are_followed_to_files_and_round_no_circles() {
    let dir = TempDir::new().unwrap();
    put(&dir, "real.zip");
    fs::create_dir(dir.path().join("in")).unwrap();
    std::os::unix::fs::symlink("..", dir.path().join("in/up")).unwrap();
    std::os::unix::fs::symlink("../real.zip", dir.path().join("in/link.zip")).unwrap();
    std::os::unix::fs::symlink("nowhere", dir.path().join("in/torn.zip")).unwrap();
    on_watch(async |post| {
        let torn = post.watch(files(at(&dir, "in/torn.zip"), NOW), HOUR);
        assert_eq!(post.not_yet(torn).await, format!("no file matches {}", at(&dir, "in/torn.zip")));
        let link = post.watch(files(at(&dir, "in/**/*.zip"), NOW), HOUR);
        assert_eq!(post.met(link).await, format!("{} is there", at(&dir, "in/link.zip")));
    });
}

#[test]
fn what_is_no_file_is_said_to_be_none() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("in")).unwrap();
    on_watch(async |post| {
        let watch = post.watch(files(at(&dir, "in"), NOW), HOUR);
        let path = at(&dir, "in");
        let words = format!("{path} is a directory; a sensor waits for files, such as {path}/*");
        assert_eq!(post.not_yet(watch).await, words);
        let watch = post.watch(files("/dev/null", NOW), HOUR);
        assert_eq!(post.not_yet(watch).await, "/dev/null is no regular file");
        let watch = post.watch(files("in/a.zip", NOW), HOUR);
        assert_eq!(post.broken(watch).await, "`in/a.zip` is not an absolute path");
        let watch = post.watch_with(files("/in/hunter2/[", NOW), &["hunter2"], HOUR);
        assert_eq!(post.broken(watch).await, "`/in/***/[` is no pattern: invalid range pattern");
    });
}
