//! The parameters of a pipeline: declared in the file, bound to values when a run is triggered. It never
//! knows where the values come from.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use regex_lite::Regex;

use crate::yaml::diagnostic::{listed, nearest};

use super::text::secret;

/// Bytes of a parameter's value.
pub const MAX_VALUE: usize = 64 << 10;

/// What the values of a parameter are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamType {
    /// Any text.
    String,
    /// A whole number of 64 bits.
    Integer,
    /// A finite number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A date, `YYYY-MM-DD`.
    Date,
}

impl ParamType {
    /// The word of the language.
    pub fn word(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
        }
    }

    /// Reads a value as it is spelled.
    pub fn read(self, text: &str) -> Option<ParamValue> {
        match self {
            Self::String => Some(ParamValue::String(text.into())),
            Self::Integer => text.parse().ok().map(ParamValue::Integer),
            Self::Number => {
                text.parse().ok().filter(|number: &f64| number.is_finite()).map(ParamValue::Number)
            }
            Self::Boolean => text.parse().ok().map(ParamValue::Boolean),
            Self::Date => text.parse().ok().filter(|_| text.len() == 10).map(ParamValue::Date),
        }
    }

    /// An example, for messages.
    fn example(self) -> &'static str {
        match self {
            Self::String => "a text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "`true` or `false`",
            Self::Date => "a date like 2026-11-20",
        }
    }
}

/// A value of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum ParamValue {
    /// Of a `string`.
    String(Box<str>),
    /// Of an `integer`.
    Integer(i64),
    /// Of a `number`.
    Number(f64),
    /// Of a `boolean`.
    Boolean(bool),
    /// Of a `date`.
    Date(Date),
}

impl fmt::Display for ParamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => f.write_str(text),
            Self::Integer(number) => number.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Boolean(truth) => truth.fmt(f),
            Self::Date(date) => date.fmt(f),
        }
    }
}

/// A declared parameter.
#[derive(Clone, Debug)]
pub struct Param {
    /// What its values are.
    pub kind: ParamType,
    /// Its value where none is given.
    pub default: Option<ParamValue>,
    /// The only values it may have; empty where any will do.
    pub choices: Box<[ParamValue]>,
    /// What the whole of a string must match.
    pub pattern: Option<Pattern>,
    /// Whether a trigger must give it.
    pub required: bool,
    /// One line for the form.
    pub description: Option<Box<str>>,
}

/// A regular expression, and as it was written.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// As written.
    pub text: Box<str>,
    regex: Regex,
}

impl Pattern {
    /// Compiles a pattern that must match the whole of a value.
    pub fn new(text: &str) -> Result<Self, regex_lite::Error> {
        // Alone first, so that `a)|(b` is an error and not two halves of ours.
        Regex::new(text)?;
        Ok(Self { text: text.into(), regex: Regex::new(&format!("^(?:{text})$"))? })
    }

    /// Whether all of `value` matches.
    pub fn matches(&self, value: &str) -> bool {
        self.regex.is_match(value)
    }
}

/// Why a given parameter is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// There is no such parameter.
    #[error("there is no parameter `{name}`{hint}")]
    Unknown {
        /// As given.
        name: String,
        /// What was probably meant, as the end of the sentence.
        hint: String,
    },
    /// It must be given and was not.
    #[error("the parameter `{name}` ({kind}) must be given")]
    Missing {
        /// Of the parameter.
        name: String,
        /// Its type's word.
        kind: &'static str,
    },
    /// It was given more than once.
    #[error("the parameter `{name}` is given twice")]
    Twice {
        /// Of the parameter.
        name: String,
    },
    /// The value is not one that it may have.
    #[error("the parameter `{name}` {problem}")]
    Refused {
        /// Of the parameter.
        name: String,
        /// What is wrong with the value.
        problem: String,
    },
}

impl Param {
    /// Reads a value as it is spelled; the error ends a sentence about the parameter.
    pub fn accept(&self, text: &str) -> Result<ParamValue, String> {
        let shown: String = text.chars().take(60).collect();
        if text.len() > MAX_VALUE {
            return Err(format!("is longer than {} KiB", MAX_VALUE >> 10));
        }
        if text.contains('\0') || secret::has_marks(text) {
            return Err("contains a character that is not allowed".to_owned());
        }
        let value = self
            .kind
            .read(text)
            .ok_or_else(|| format!("must be {}, found `{shown}`", self.kind.example()))?;
        if !self.choices.is_empty() && !self.choices.contains(&value) {
            let choices: Vec<String> = self.choices.iter().map(ToString::to_string).collect();
            let choices = listed(choices.iter().map(String::as_str));
            return Err(format!("must be one of {choices}, found `{shown}`"));
        }
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.matches(text)) {
            return Err(format!("must match `{}`, found `{shown}`", pattern.text));
        }
        Ok(value)
    }
}

/// The parameters of a pipeline, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Params(Box<[(Box<str>, Param)]>);

impl Params {
    pub(crate) fn new(all: Vec<(Box<str>, Param)>) -> Self {
        Self(all.into())
    }

    /// Names and declarations, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Param)> {
        self.0.iter().map(|(name, param)| (&**name, param))
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.0.iter().map(|(name, _)| &**name)
    }

    /// The declaration of a name.
    pub fn get(&self, name: &str) -> Option<&Param> {
        self.iter().find(|(known, _)| *known == name).map(|(_, param)| param)
    }

    /// Binds what a trigger gives to values; what is not given takes its default, or stays unset where it
    /// need not be given. All that is wrong is told at once.
    pub fn bind(&self, given: &[(String, String)]) -> Result<BTreeMap<String, ParamValue>, Vec<ParamError>> {
        let mut bound = BTreeMap::new();
        let mut wrong = Vec::new();
        for (at, (name, text)) in given.iter().enumerate() {
            let Some(param) = self.get(name) else {
                let hint = match nearest(name, self.names()) {
                    Some(meant) => format!("; did you mean `{meant}`?"),
                    None if self.0.is_empty() => "; this pipeline has none".to_owned(),
                    None => format!("; there are {}", listed(self.names())),
                };
                wrong.push(ParamError::Unknown { name: name.clone(), hint });
                continue;
            };
            if given[..at].iter().any(|(earlier, _)| earlier == name) {
                wrong.push(ParamError::Twice { name: name.clone() });
                continue;
            }
            match param.accept(text) {
                Ok(value) => {
                    bound.insert(name.clone(), value);
                }
                Err(problem) => wrong.push(ParamError::Refused { name: name.clone(), problem }),
            }
        }
        for (name, param) in self.iter().filter(|(name, _)| !given.iter().any(|(known, _)| known == name)) {
            match &param.default {
                Some(default) => {
                    bound.insert(name.to_owned(), default.clone());
                }
                None if param.required => {
                    wrong.push(ParamError::Missing { name: name.to_owned(), kind: param.kind.word() });
                }
                None => {}
            }
        }
        if wrong.is_empty() { Ok(bound) } else { Err(wrong) }
    }
}
