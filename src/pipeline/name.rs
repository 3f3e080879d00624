//! What may be a name. It never knows whose.

/// Bytes of a node's name.
const MAX_NAME: usize = 200;
/// Said to whoever breaks [`problem`]'s rule.
pub(crate) const RULE: &str = "a name is letters, digits, `_`, `-`, `.` and spaces, at most 200 bytes";

/// What is wrong with the name of a node, a pipeline or an environment, as the end of a sentence.
pub(crate) fn problem(name: &str) -> Option<String> {
    let good = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
    if name.is_empty() || matches!(name, "." | "..") {
        Some("cannot be a name".to_owned())
    } else if name.len() > MAX_NAME {
        Some(format!("is longer than {MAX_NAME} bytes"))
    } else if let Some(bad) = name.chars().find(|&c| !good(c)) {
        Some(format!("contains `{}`", bad.escape_debug()))
    } else if name.trim() != name {
        Some("begins or ends with a space".to_owned())
    } else {
        None
    }
}

/// Letters, digits and `_`, not beginning with a digit: variables and parameters.
pub(crate) fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// An identifier that may have `-` and `.` inside.
pub(crate) fn is_secret(name: &str) -> bool {
    !name.starts_with(['-', '.']) && is_identifier(&name.replace(['-', '.'], "_"))
}
