//! Which revision of the configuration this is, where it is kept in git: read from git's own files, so that
//! no git need be installed.

use std::path::{Path, PathBuf};

/// The commit that the work tree around `dir` stands at; `None` where there is no git or no commit.
pub fn of(dir: &Path) -> Option<String> {
    let dir = dir.canonicalize().ok()?;
    let git = dir.ancestors().find_map(|dir| git_dir(&dir.join(".git")))?;
    let head = std::fs::read_to_string(git.join("HEAD")).ok()?;
    let head = head.trim();
    let Some(reference) = head.strip_prefix("ref: ") else { return commit(head) };
    // A linked work tree has its own HEAD; the branches are where the others are.
    let common = std::fs::read_to_string(git.join("commondir"));
    let common = common.map_or_else(|_| git.clone(), |to| git.join(to.trim()));
    if let Ok(loose) = std::fs::read_to_string(common.join(reference)) {
        return commit(loose.trim());
    }
    let packed = std::fs::read_to_string(common.join("packed-refs")).ok()?;
    packed.lines().find_map(|line| commit(line.strip_suffix(reference)?.strip_suffix(' ')?))
}

/// `.git` is a directory, or a file that says where it is.
fn git_dir(path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        return Some(path.to_owned());
    }
    let text = std::fs::read_to_string(path).ok()?;
    Some(path.parent()?.join(text.strip_prefix("gitdir: ")?.trim()))
}

fn commit(text: &str) -> Option<String> {
    let is_hash = text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commit_is_found_loose_packed_detached_and_linked() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let (one, two) = ("a".repeat(40), "b".repeat(40));
        write("config/pipelines/x.yaml", "");
        let config = root.path().join("config");
        assert_eq!(of(&config), None);
        write(".git/HEAD", "ref: refs/heads/main\n");
        assert_eq!(of(&config), None);
        write(".git/packed-refs", &format!("# pack-refs\n{one} refs/heads/other\n{two} refs/heads/main\n"));
        assert_eq!(of(&config), Some(two.clone()));
        write(".git/refs/heads/main", &format!("{one}\n"));
        assert_eq!(of(&config), Some(one.clone()));
        write(".git/worktrees/w/HEAD", "ref: refs/heads/main\n");
        write(".git/worktrees/w/commondir", "../..\n");
        write("linked/.git", &format!("gitdir: {}\n", root.path().join(".git/worktrees/w").display()));
        assert_eq!(of(&root.path().join("linked")), Some(one));
        write(".git/HEAD", &format!("{two}\n"));
        assert_eq!(of(&config), Some(two));
    }
}
