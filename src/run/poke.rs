//! What a sensor was last answered, and when it is asked again.

use jiff::Timestamp;

use crate::schedule::told::utc;

/// The last answer to a sensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastPoke {
    /// How often it has been asked in this wait; 0 where it is only waited for an instant.
    pub pokes: u32,
    /// When it was asked last.
    pub at: Timestamp,
    /// The answer, in words and without secrets.
    pub words: Box<str>,
    /// When it is asked again, at the latest; `None` where the answer was final.
    pub next: Option<Timestamp>,
}

impl LastPoke {
    /// As people are told of it: how often, when, what, and when again.
    pub fn told(&self) -> String {
        let (at, words) = (utc(self.at), &self.words);
        let often = match self.pokes {
            0 => return words.to_string(),
            1 => "poked once,".to_owned(),
            pokes => format!("poked {pokes} times, last"),
        };
        match self.next {
            Some(next) => format!("{often} at {at}: {words}; next by {}", utc(next)),
            None => format!("{often} at {at}: {words}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_told_with_its_times() {
        let at: Timestamp = "2026-11-20T21:04:05Z".parse().unwrap();
        let poke = |pokes, next| LastPoke { pokes, at, words: "no file matches /in/x".into(), next };
        let next = "2026-11-20T21:04:35Z".parse().ok();
        for (pokes, next, told) in [
            (
                1,
                next,
                "poked once, at 2026-11-20 21:04:05Z: no file matches /in/x; next by 2026-11-20 21:04:35Z",
            ),
            (7, None, "poked 7 times, last at 2026-11-20 21:04:05Z: no file matches /in/x"),
            (0, next, "no file matches /in/x"),
        ] {
            assert_eq!(poke(pokes, next).told(), told);
        }
    }
}
