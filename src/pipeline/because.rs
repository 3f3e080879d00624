//! Why a condition does not hold, in words: what it asks of the session and of the run, answered. It looks for
//! what is named, and never evaluates anything.

use minijinja::machinery::{Token, tokenize};

use super::check::syntax;
use super::scope::Scope;

/// The facts that an expression goes by, as far as they need telling; `None` where it asks for none.
pub fn because(expression: &str, scope: &Scope) -> Option<String> {
    let mut facts = Vec::new();
    if asked_of(expression, "run").contains(&"is_latest") && !scope.is_latest {
        facts.push("a later slot of its schedule is due".to_owned());
    }
    let names = asked_of(expression, "session");
    if let Some(session) = scope.session().filter(|_| !names.is_empty()) {
        facts.push(session.answers(&names));
    }
    (!facts.is_empty()).then(|| facts.join("; "))
}

/// The attributes `x` of `thing.x` in an expression, in order.
fn asked_of<'t>(expression: &'t str, thing: &str) -> Vec<&'t str> {
    let tokens = tokenize(expression, true, syntax()).map_while(Result::ok).map(|(token, _)| token);
    let tokens: Vec<Token<'t>> = tokens.collect();
    let mut names = Vec::new();
    for (at, window) in tokens.windows(3).enumerate() {
        if let [Token::Ident(name), Token::Dot, Token::Ident(attribute)] = window
            && *name == thing
            && !(at > 0 && matches!(tokens[at - 1], Token::Dot))
            && !names.contains(attribute)
        {
            names.push(*attribute);
        }
    }
    names
}
