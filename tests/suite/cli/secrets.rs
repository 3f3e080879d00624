//! Secrets: they reach whom they are for, and nothing that is kept or shown.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::desk::{Ask, Desk, Done};

const FROM_ENV: &str = "hunter2hunter2";
const FROM_FILE: &str = "open sesame";
const FROM_SYSTEMD: &str = "xyzzy-plugh";
const ALL: [&str; 3] = [FROM_ENV, FROM_FILE, FROM_SYSTEMD];

/// A desk with a secret of each kind: `token`, `word` and `spell`.
fn desk() -> Desk {
    let settings = "secrets: {token: {env: VENDOR_TOKEN}, word: {file: WORD}, spell: {credential: spell}}\n";
    let desk = Desk::new().file("word", &format!("{FROM_FILE}\n"));
    let settings = settings.replace("WORD", &desk.path("word").display().to_string());
    let desk = desk.file("config/sexton.yaml", &settings);
    let desk = desk.file("credentials/spell", &format!("{FROM_SYSTEMD}\n"));
    fs::set_permissions(desk.path("word"), fs::Permissions::from_mode(0o600)).unwrap();
    desk
}

fn run<'d>(desk: &'d Desk, pipeline: &str) -> Ask<'d> {
    let credentials = desk.path("credentials").display().to_string();
    desk.run(pipeline).env("VENDOR_TOKEN", FROM_ENV).env("CREDENTIALS_DIRECTORY", &credentials)
}

/// Files below a directory that hold one of these texts.
pub(super) fn holding(dir: &Path, texts: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(holding(&entry.path(), texts));
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            let holds = |text: &&str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
            found.extend(texts.iter().any(holds).then(|| entry.path()));
        }
    }
    found
}

/// Nothing of this is a secret.
fn silent(done: &Done) {
    for secret in ALL {
        assert!(!done.all().contains(secret), "{}", done.all());
    }
}

#[test]
fn secrets_reach_the_command_and_nothing_that_is_kept() {
    let desk = desk().pipeline(
        "vault",
        r#"
env: {TOKEN: '{{ secret("token") }}', WORD: '{{ secret("word") }}', SPELL: '{{ secret("spell") }}'}
serial:
  tell: 'echo "$TOKEN-$WORD-$SPELL"; echo "$TOKEN$WORD$SPELL" | wc -c'
  on the line: {exec: 'printf "%s %s %s" {{ secret("spell") | shquote }} {{ secret("word") | shquote }} kept'}
  as arguments: {exec: [echo, '{{ secret("token") }}', '{{ secret("spell") }}']}
  hand on: echo "said=the word is $WORD" > "$SEXTON_OUTPUT"
  use: {exec: 'test "{{ outputs["hand on"].said }}" = "the word is ***"'}
"#,
    );
    silent(&run(&desk, "vault").exit(0));
    let log = |path: &str| desk.ask(&["logs", "1", path]).exit(0);
    let length = FROM_ENV.len() + FROM_FILE.len() + FROM_SYSTEMD.len() + 1;
    log("tell").stdout_is(&format!("***-***-***\n{length}\n"));
    log("on the line").stdout_is("*** *** kept");
    log("as arguments").stdout_is("*** ***\n");
    assert_eq!(holding(&desk.path("state"), &ALL), Vec::<PathBuf>::new());
}

#[test]
fn a_line_of_a_secret_is_one_too() {
    let key = "-----BEGIN KEY-----\n  MIIEvQIBADAN\n  Bgkqhk\n}\n-----END KEY-----\n";
    let desk = Desk::new().file("key", key).file("config/sexton.yaml", "secrets: {key: {file: ../key}}\n");
    fs::set_permissions(desk.path("key"), fs::Permissions::from_mode(0o600)).unwrap();
    let desk = desk.pipeline(
        "vault",
        r#"
env: {KEY: '{{ secret("key") }}'}
serial:
  tell: echo "$KEY" | sed -n 2p; echo "$KEY" | tail -n 3 >&2; echo "{}"; echo "$KEY" | tr '\n' ';'
  hand on: echo "second=$(echo "$KEY" | sed -n 3p)" > "$SEXTON_OUTPUT"
"#,
    );
    let done = desk.run("vault").exit(0).stdout_has("hand on: second=  ***\n").stderr_is("");
    let lines = ["MIIEvQIBADAN", "Bgkqhk", "BEGIN KEY", "END KEY"];
    assert!(lines.iter().all(|line| !done.all().contains(line)), "{}", done.all());
    let log = desk.ask(&["logs", "1", "tell"]).exit(0).stdout_has("  ***\n").stdout_has("{}\n");
    log.stdout_has("  ***\n}\n***\n").stdout_has("***;  ***;  ***;};***;");
    assert_eq!(holding(&desk.path("state"), &lines), Vec::<PathBuf>::new());
}

#[test]
fn a_secret_that_is_too_short_is_named_when_a_run_starts() {
    let settings = "secrets: {pin: {env: PIN}, token: {env: VENDOR_TOKEN}}\n";
    let desk = Desk::new().file("config/sexton.yaml", settings).pipeline("p", "exec: 'true'\n");
    let done = desk.run("p").env("PIN", "é9Q").env("VENDOR_TOKEN", "é9Qx").exit(0);
    let done =
        done.stderr_has("the secret `pin` has fewer than 4 characters: `***` will stand wherever they do");
    assert!(!done.all().contains("é9Q") && !done.stderr.contains("token"), "{}", done.all());
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.all());
}

#[test]
fn what_goes_wrong_with_a_secret_does_not_show_it() {
    let nodes = [
        r#"program: {exec: ['/nowhere/{{ secret("spell") }}']}"#,
        r#"directory: {exec: pwd, working_dir: '/nowhere/{{ secret("token") }}'}"#,
        r#"user: {exec: id, user: '{{ secret("token") }}'}"#,
        r#"shell: {exec: id, shell: '/nowhere/{{ secret("token") }} -c'}"#,
        r#"output: {exec: 'echo "{{ secret("word") }}" > "$SEXTON_OUTPUT"'}"#,
    ];
    let desk = desk().pipeline("vault", &format!("parallel:\n  {}\n", nodes.join("\n  ")));
    silent(&run(&desk, "vault").exit(1));
    for node in ["program", "directory", "user", "shell", "output"] {
        silent(&desk.ask(&["why", "1", node]).exit(0));
    }
    assert_eq!(holding(&desk.path("state"), &ALL), Vec::<PathBuf>::new());
}

#[test]
fn no_part_of_a_long_secret_is_shown() {
    let (one, lines) = ("0123456789".repeat(30), format!("{}\n{}", "abcdefghij".repeat(7), "end of the key"));
    let settings = "secrets: {token: {file: TOKEN}, key: {file: KEY}}\n";
    let desk = Desk::new().file("token", &one).file("key", &lines);
    let settings = settings.replace("TOKEN", &desk.path("token").display().to_string());
    let settings = settings.replace("KEY", &desk.path("key").display().to_string());
    let yaml = r#"
env: {TOKEN: '{{ secret("token") }}', KEY: '{{ secret("key") }}'}
parallel:
  line: echo "$TOKEN" > "$SEXTON_OUTPUT"
  lines: echo "$KEY" > "$SEXTON_OUTPUT"
  choice: {choose: cat DIR/token, branch: {a: 'true', b: 'true'}}
  log: echo "$KEY" | sed 's/^/  /'
"#;
    let yaml = yaml.replace("DIR", &desk.path("").display().to_string());
    let desk = desk.file("config/sexton.yaml", &settings).pipeline("vault", &yaml);
    desk.run("vault")
        .exit(1)
        .stdout_has("  line      failed           bad output: line 1 has no `=`: ***\n")
        .stdout_has("  lines     failed           bad output: line 1 has no `=`: ***\n")
        .stdout_has("it chose `***`, and the children are `a` and `b`");
    desk.ask(&["logs", "1", "log"]).exit(0).stdout_is("  ***\n  ***\n");
    let parts = ["0123456789", "abcdefghij", "end of the key"];
    assert_eq!(holding(&desk.path("state"), &parts), Vec::<PathBuf>::new());
}

#[test]
fn a_secret_that_cannot_be_had_fails_who_needs_it() {
    let desk = desk().pipeline(
        "vault",
        r#"
parallel:
  token: {exec: 'echo {{ secret("token") }}'}
  spell: {exec: 'echo {{ secret("spell") }}'}
  nothing: echo nothing
"#,
    );
    desk.run("vault")
        .exit(1)
        .stdout_has("not started: the secret `token`: the variable $VENDOR_TOKEN is not set")
        .stdout_has("not started: the secret `spell`: systemd has given this process no credentials")
        .stdout_has("`LoadCredential=spell:/path/of/the/file`");
    desk.ask(&["logs", "1", "nothing"]).exit(0).stdout_is("nothing\n");
    fs::remove_file(desk.path("credentials/spell")).unwrap();
    run(&desk, "vault")
        .exit(1)
        .stdout_has("the secret `spell`: there is no credential `spell` in $CREDENTIALS_DIRECTORY");
}

#[test]
fn a_file_that_everybody_may_read_is_warned_of_once() {
    let yaml = "env: {WORD: '{{ secret(\"word\") }}'}\nserial: {a: 'true', b: 'true'}\n";
    let desk = desk().pipeline("vault", yaml);
    run(&desk, "vault").exit(0).stderr_is("");
    fs::set_permissions(desk.path("word"), fs::Permissions::from_mode(0o644)).unwrap();
    let done = run(&desk, "vault").exit(0);
    let path = desk.path("word").display().to_string();
    let warning =
        format!("{path} holds a secret, and everybody on this machine may read it: chmod o-r {path}");
    assert_eq!(done.stderr_has(&warning).stderr.matches("everybody").count(), 1);
}

#[test]
fn a_source_is_one_of_three() {
    let settings = "secrets: {a: {credential: x/y}, b: {env: A, credential: B}}\n";
    let desk = Desk::new().file("config/sexton.yaml", settings).pipeline("p", "exec: 'true'\n");
    desk.check(&[])
        .exit(1)
        .stderr_has("`x/y` cannot be the name of a credential")
        .stderr_has("the secret `b` must have one source")
        .stderr_has("write `{env: VARIABLE}`, `{file: path}` or `{credential: NAME}`");
}

#[test]
fn a_log_is_shown_without_the_secrets_of_today() {
    let desk = desk().file("word-of-tomorrow", "abracadabra\n");
    let dir = desk.path("").display().to_string();
    let yaml = format!("exec: 'echo before; cat word-of-tomorrow; false'\nworking_dir: {dir}\n");
    let desk = desk.pipeline("vault", &yaml);
    // It was no secret when it was printed.
    run(&desk, "vault").exit(1).stdout_has("  abracadabra\n");
    fs::write(desk.path("word"), "abracadabra\n").unwrap();
    desk.ask(&["logs", "1", "/"]).exit(0).stdout_is("before\n***\n");
    desk.ask(&["logs", "1", "/", "--tail", "1"]).exit(0).stdout_is("***\n");
    desk.ask(&["logs", "1", "/", "--config", "nowhere"]).exit(0).stdout_is("before\nabracadabra\n");
    // What a command finds by itself is hidden where it is shown.
    run(&desk, "vault").exit(1).stdout_has("  ***\n").stdout_lacks("abracadabra");
}
