//! Which calendars there are, and which files each is made from: codes and aliases are unique, what a file names is
//! there, and nothing is made of itself. It never knows a date.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::yaml::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::yaml::report::SourceFile;

use super::making::Said;
use super::read::file;
use super::session::Source;
use super::table::{Authored, Layer, Named, Own};
use super::tables::TABLES;

/// Calendars that are made of each other, one of the next.
const DEEPEST: usize = 16;

/// All calendars that are known.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelf {
    /// By code in lower case.
    pub(super) volumes: BTreeMap<String, Volume>,
    /// Codes that files with mistakes were to define, in lower case, and these files.
    pub(super) broken: BTreeMap<String, Arc<str>>,
    /// Codes in lower case, by alias in lower case.
    aliases: OnceLock<BTreeMap<String, String>>,
}

/// What a calendar is made from.
#[derive(Clone, Debug)]
pub(super) struct Volume {
    pub(super) code: Arc<str>,
    pub(super) text: Text,
    /// The files that change it, in their order.
    pub(super) overrides: Vec<Said>,
}

#[derive(Clone, Debug)]
pub(super) enum Text {
    /// A table that comes with the program, not read yet.
    Embedded(&'static str),
    /// A file of the user's.
    Own(Arc<Own>, Source),
}

impl Volume {
    /// Whether a file of the user's has a part in it.
    pub(super) fn is_the_users(&self) -> bool {
        matches!(self.text, Text::Own(..)) || !self.overrides.is_empty()
    }

    /// The file of a layer: 0 is the calendar's own, then come those that change it.
    pub(super) fn file(&self, layer: usize) -> Option<&Source> {
        match (layer.checked_sub(1), &self.text) {
            (None, Text::Own(_, source)) => Some(source),
            (None, Text::Embedded(_)) => Some(&Source::Table),
            (Some(number), _) => self.overrides.get(number).map(|said| &said.source),
        }
    }

    /// The other calendars that it is made of.
    fn parts(&self) -> &[Named] {
        match &self.text {
            Text::Embedded(_) => &[],
            Text::Own(own, _) => own.base.parts(),
        }
    }
}

impl Shelf {
    /// The calendars that come with the program.
    pub(super) fn embedded() -> Self {
        let volume = |(code, text): &(&str, &'static str)| {
            let volume = Volume { code: Arc::from(*code), text: Text::Embedded(text), overrides: Vec::new() };
            (code.to_lowercase(), volume)
        };
        Self { volumes: TABLES.iter().map(volume).collect(), ..Self::default() }
    }

    /// These, and the user's; and what is wrong with each file.
    pub(super) fn with(files: &[SourceFile], found: &mut [Diagnostics]) -> Self {
        let mut shelf = Self::embedded();
        let mut layers = Vec::new();
        let mut owns = Vec::new();
        // Of files with mistakes, what they name all the same.
        let mut named = Vec::new();
        for (number, (file, found)) in files.iter().zip(&mut *found).enumerate() {
            let read = file::read(file, found);
            let valid = !found.has_errors();
            if !valid {
                let code = read.code.map(|code| (code.to_lowercase(), Arc::from(&*file.path)));
                shelf.broken.extend(code);
            }
            match read.authored {
                Some(Authored::Override { code, layer }) if valid => layers.push((number, code, layer)),
                Some(Authored::Override { code, layer: _ }) => named.push((number, vec![code])),
                Some(Authored::Own(own)) if valid => owns.push((number, own)),
                Some(Authored::Own(own)) => named.push((number, own.base.parts().to_vec())),
                None => {}
            }
        }
        let source = |number: usize| Source::File(Arc::from(&*files[number].path));
        for (number, own) in owns {
            shelf.put(own, source(number), &mut found[number]);
        }
        for key in shelf.broken.keys() {
            shelf.volumes.remove(key);
        }
        shelf.check_aliases(files, found);
        for (number, code, layer) in layers {
            shelf.lay(&code, layer, source(number), &mut found[number]);
        }
        shelf.check_parts(files, found);
        for (number, codes) in named {
            for code in codes.iter().filter(|code| shelf.find(&code.text).is_none()) {
                found[number].extend(shelf.unknown(code));
            }
        }
        shelf
    }

    /// The volume of a code or an alias, in any case, and its key.
    pub(super) fn find(&self, code: &str) -> Option<(&String, &Volume)> {
        let key = code.to_lowercase();
        let by_code = self.volumes.get_key_value(&key);
        by_code.or_else(|| self.volumes.get_key_value(self.by_alias().get(&key)?))
    }

    /// All aliases, in lower case.
    pub(super) fn aliases(&self) -> impl Iterator<Item = &str> {
        self.by_alias().keys().map(String::as_str)
    }

    fn by_alias(&self) -> &BTreeMap<String, String> {
        self.aliases.get_or_init(|| {
            let all = self.volumes.iter().flat_map(|(key, volume)| {
                let own = match &volume.text {
                    Text::Own(own, _) => own.aliases.iter().map(|alias| alias.text.to_string()).collect(),
                    Text::Embedded(text) => file::preface(text).aliases,
                };
                own.into_iter().map(move |alias: String| (alias.to_lowercase(), key.clone()))
            });
            all.collect()
        })
    }

    /// Takes a calendar of the user's, in the place of one that comes with the program if it has its code.
    fn put(&mut self, own: Own, source: Source, found: &mut Diagnostics) {
        let key = own.code.text.to_lowercase();
        let taken = self.volumes.get(&key).and_then(|volume| match &volume.text {
            Text::Own(_, source) => Some(source),
            Text::Embedded(_) => None,
        });
        if let Some(other) = taken {
            let message = format!("the code `{}` is taken by {}", own.code.text, other.text());
            let error = Diagnostic::error(own.code.span, message);
            found.push(
                error.help("give one of them another `code`; to change that calendar, write `override`"),
            );
            return;
        }
        let code = own.code.text.clone();
        self.volumes.insert(key, Volume { code, text: Text::Own(own.into(), source), overrides: Vec::new() });
    }

    /// An alias means one calendar.
    fn check_aliases(&self, files: &[SourceFile], found: &mut [Diagnostics]) {
        let embedded = Self::embedded();
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for (key, volume) in &self.volumes {
            let Text::Own(own, source) = &volume.text else { continue };
            let Some(found) = file_of(files, source).and_then(|file| found.get_mut(file)) else { continue };
            // Of what comes with the program and is still there.
            let known = |alias: &str| {
                let (other, _) = embedded.find(alias)?;
                let there = self.volumes.get(other).filter(|other| matches!(other.text, Text::Embedded(_)));
                there.map(|there| &*there.code)
            };
            if let Some(other) = known(key) {
                let message =
                    format!("`{}` was another code of `{other}`, and now means this", own.code.text);
                found.push(Diagnostic::warning(own.code.span, message));
            }
            for alias in &own.aliases {
                let lower = alias.text.to_lowercase();
                let code = self.volumes.get(&lower).map(|volume| &*volume.code);
                let taken = code.or_else(|| seen.get(&lower).copied()).or_else(|| known(&lower));
                if let Some(other) = taken.filter(|other| *other != &*own.code.text) {
                    let message = format!("`{}` means `{other}` already", alias.text);
                    found.push(Diagnostic::error(alias.span, message));
                }
                seen.insert(lower, &own.code.text);
            }
        }
    }

    /// Lays a file upon the calendar that it changes.
    fn lay(&mut self, code: &Named, layer: Layer, source: Source, found: &mut Diagnostics) {
        let key = self.find(&code.text).map(|(key, _)| key.clone());
        if let Some(volume) = key.and_then(|key| self.volumes.get_mut(&key)) {
            volume.overrides.push(Said { source, layer: Arc::new(layer) });
        } else {
            found.extend(self.unknown(code));
        }
    }

    /// What a calendar is made of is there, and not itself.
    fn check_parts(&mut self, files: &[SourceFile], found: &mut [Diagnostics]) {
        let mut broken = Vec::new();
        for (key, volume) in &self.volumes {
            let Text::Own(own, source) = &volume.text else { continue };
            let Some(found) = file_of(files, source).and_then(|file| found.get_mut(file)) else { continue };
            for part in volume.parts() {
                match self.find(&part.text) {
                    None => found.extend(self.unknown(part)),
                    Some((other, _)) => match self.way(other, key) {
                        Way::None => continue,
                        Way::There(way) => {
                            let way =
                                std::iter::once(&*own.code.text).chain(way).collect::<Vec<_>>().join(" -> ");
                            let error = Diagnostic::error(
                                part.span,
                                format!("`{}` is made of itself: {way}", own.code.text),
                            );
                            let same = self.volumes.get(key).is_some_and(|_| other == key);
                            let help =
                                format!("to change `{0}` itself, write `override: {0}`", own.code.text);
                            found.push(if same { error.help(help) } else { error });
                        }
                        Way::Endless => {
                            let message =
                                format!("more than {DEEPEST} calendars are made of each other in a row");
                            found.push(Diagnostic::error(part.span, message));
                        }
                    },
                }
                broken.push((key.clone(), source.text().into()));
            }
        }
        for (key, file) in broken {
            self.volumes.remove(&key);
            self.broken.insert(key, file);
        }
    }

    /// A calendar that is not there; nothing where the file that was to define it has mistakes of its own.
    fn unknown(&self, code: &Named) -> Diagnostics {
        let mut found = Diagnostics::default();
        if !self.broken.contains_key(&code.text.to_lowercase()) {
            let codes = self.volumes.values().map(|volume| &*volume.code).chain(self.aliases());
            let error = Diagnostic::error(code.span, format!("there is no calendar `{}`", code.text));
            found.push(match nearest(&code.text, codes) {
                Some(meant) => error.label(format!("did you mean `{meant}`?")),
                None => error.help("`sexton calendar list` shows them all"),
            });
        }
        found
    }

    /// How one calendar is made of another, through others.
    fn way(&self, from: &str, to: &str) -> Way<'_> {
        let mut ways: Vec<Vec<&str>> = vec![vec![from]];
        let mut deepest = 0;
        let mut seen = std::collections::BTreeSet::new();
        while let Some(way) = ways.pop() {
            let Some((key, volume)) = way.last().and_then(|last| self.find(last)) else { continue };
            if key == to {
                let codes = way.iter().filter_map(|key| self.find(key)).map(|(_, volume)| &*volume.code);
                return Way::There(codes.collect());
            }
            deepest = deepest.max(way.len());
            if !seen.insert(key) || way.len() > DEEPEST {
                continue;
            }
            ways.extend(volume.parts().iter().map(|part| {
                let mut longer = way.clone();
                longer.push(&part.text);
                longer
            }));
        }
        if deepest > DEEPEST { Way::Endless } else { Way::None }
    }
}

enum Way<'a> {
    None,
    /// By these codes.
    There(Vec<&'a str>),
    /// Too far to be followed.
    Endless,
}

fn file_of(files: &[SourceFile], source: &Source) -> Option<usize> {
    files.iter().position(|file| *file.path == *source.text())
}
