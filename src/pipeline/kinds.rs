//! Which kind a node is by its keys, and which of its other keys mean something on that kind. It never looks
//! at what the keys hold.

use crate::yaml::diagnostic::{Diagnostic, Span, listed, nearest};
use crate::yaml::document::ValueId;
use crate::yaml::reading::Reading;

use super::kind::{CONTAINERS, KINDS};
use super::spec::{ELSEWHERE, FILE_KEYS, INHERITED_KEYS, NODE_KEYS};

/// Keys that mean something on some kinds only.
const PARTICULAR: [(&str, &[&str]); 5] = [
    ("stop_on_error", &["serial"]),
    ("max_concurrent", &CONTAINERS),
    ("choose", &["branch"]),
    ("poke_interval", &["sensor"]),
    ("on_timeout", &["sensor"]),
];

impl Reading<'_, '_, '_> {
    /// The one kind key of a node; the first where there are two, which is reported, as is none. `named` is
    /// the node to people, `place` where it is told that it has no kind.
    pub(super) fn kind(&mut self, named: &str, place: Span, members: &[ValueId]) -> Option<&'static str> {
        let document = self.document;
        let kind = |&key: &ValueId| {
            let word = KINDS.into_iter().find(|word| *word == document.key(key))?;
            Some((word, document.span(key)))
        };
        let mut present = members.iter().step_by(2).filter_map(kind);
        match (present.next(), present.next()) {
            (Some((one, first)), Some((two, second))) => {
                let error = Diagnostic::error(second, format!("{named} has two kinds"))
                    .label(format!("`{two}` here"))
                    .beside(first, format!("`{one}` here"))
                    .help("a node has exactly one kind; make each a child of a `serial` or `parallel`");
                self.found.push(error);
                Some(one)
            }
            (Some((word, _)), None) => Some(word),
            (None, _) => {
                // A misspelt kind has been reported as an unknown key, with the right spelling.
                let misspelt = members.iter().step_by(2).any(|&key| {
                    let key = document.key(key);
                    let known =
                        NODE_KEYS.contains(&key) || INHERITED_KEYS.contains(&key) || FILE_KEYS.contains(&key);
                    let meant = ELSEWHERE.iter().find(|(word, _)| *word == key).map(|(_, meant)| *meant);
                    let meant = meant.or_else(|| nearest(key, NODE_KEYS));
                    !known && meant.is_some_and(|meant| KINDS.contains(&meant))
                });
                if !misspelt {
                    let chooses = members.iter().step_by(2).any(|&key| document.key(key) == "choose");
                    let error = Diagnostic::error(place, format!("{named} has no kind"));
                    self.found.push(if chooses {
                        error.help("`choose` goes with a `branch`, which has the children to choose from")
                    } else {
                        error.help(format!("expected one of the keys {}", listed(KINDS)))
                    });
                }
                None
            }
        }
    }

    /// Reports the keys that mean nothing on a node of this kind.
    pub(super) fn misplaced(&mut self, members: &[ValueId], kind: &str) {
        for (key, kinds) in PARTICULAR.iter().filter(|(_, kinds)| !kinds.contains(&kind)) {
            let Some(&at) = members.iter().step_by(2).find(|&&at| self.document.key(at) == *key) else {
                continue;
            };
            let error =
                Diagnostic::error(self.document.span(at), format!("`{key}` means nothing on `{kind}`"));
            let help = match kinds {
                [only] => format!("it belongs on a `{only}`"),
                several => format!("it belongs on a container: {}", listed(several.iter().copied())),
            };
            self.found.push(error.help(help));
        }
    }
}
