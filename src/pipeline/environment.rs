//! The `SEXTON_*` variables: the facts of templates for those who would rather not write one. It says what
//! a command sees, and never sets it.

use super::text::scope::Scope;
use super::text::secret::without_marks;

/// The variables that every command of a run sees.
pub fn facts(scope: &Scope) -> Vec<(String, String)> {
    let mut all = vec![
        ("SEXTON_RUN".to_owned(), scope.run.clone()),
        ("SEXTON_PIPELINE".to_owned(), scope.pipeline.clone()),
        ("SEXTON_ENVIRONMENT".to_owned(), scope.environment.clone()),
        ("SEXTON_DS".to_owned(), scope.ds()),
        ("SEXTON_DS_NODASH".to_owned(), scope.ds_nodash()),
        ("SEXTON_LOGICAL_DATE".to_owned(), scope.ds()),
        ("SEXTON_TS".to_owned(), scope.show(scope.scheduled_at)),
        ("SEXTON_SCHEDULED_AT".to_owned(), scope.show(scope.scheduled_at)),
        ("SEXTON_DATA_INTERVAL_START".to_owned(), scope.show(scope.data_interval_start)),
        ("SEXTON_DATA_INTERVAL_END".to_owned(), scope.show(scope.data_interval_end)),
    ];
    if let Some(session) = scope.session() {
        all.push(("SEXTON_CALENDAR".to_owned(), session.calendar.code().to_owned()));
        if let Some([label, open, close]) = session.texts() {
            all.push(("SEXTON_SESSION".to_owned(), label));
            all.push(("SEXTON_SESSION_OPEN".to_owned(), open));
            all.push(("SEXTON_SESSION_CLOSE".to_owned(), close));
        }
    }
    let params = scope.params.iter();
    all.extend(params.map(|(name, value)| (param_variable(name), without_marks(&value.to_string()))));
    all
}

/// The variables that only one attempt of one task sees; attempts count from 1.
pub fn attempt_facts(path: &str, attempt: u32) -> Vec<(String, String)> {
    vec![
        ("SEXTON_PATH".to_owned(), path.to_owned()),
        ("SEXTON_ATTEMPT_NUMBER".to_owned(), attempt.to_string()),
    ]
}

/// `SEXTON_PARAM_NAME` for `name`.
pub fn param_variable(name: &str) -> String {
    format!("SEXTON_PARAM_{}", name.to_ascii_uppercase())
}
