//! `sexton why`: one sentence, and the facts behind it.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use crate::pipeline::node::NodeId;
use crate::run::why::{Around, exit_words, root_cause, why as sentence};
use crate::store::tasks::AttemptRecord;

use super::args::WhyArgs;
use super::desk;
use super::failure::Outcome;
use super::show::out;
use super::tasks::restored;

/// Explains a node of a run.
pub async fn why(args: &WhyArgs) -> anyhow::Result<Outcome> {
    let reader = desk::open(&args.state).await?;
    let record = desk::run(&reader, Some(args.run)).await?;
    let run = restored(&reader, &record).await?;
    let tree = run.tree().clone();
    let node = desk::node(&tree, &record, &args.path)?;
    let around = Around { zone: TimeZone::UTC, places: None };
    let mut text = sentence(&run, node, &around) + "\n";
    let cause = root_cause(&run, node);
    if cause != node {
        text += &(sentence(&run, cause, &around) + "\n");
    }
    let subject = if tree.is_leaf(cause) { cause } else { node };
    let path = tree.path(subject);
    let attempts = if tree.is_leaf(subject) { reader.attempts(record.id, &path).await? } else { Vec::new() };
    for attempt in &attempts {
        let _ = writeln!(text, "  {}", told(attempt));
    }
    if !attempts.is_empty() {
        let _ = writeln!(text, "  log: sexton logs {} '{path}'", args.run);
    }
    if node == NodeId::ROOT {
        let _ = writeln!(text, "  tasks: sexton tasks {}", args.run);
    }
    out::print(&text)?;
    Ok(Outcome::Good)
}

fn told(attempt: &AttemptRecord) -> String {
    let began = attempt.created_at.strftime("%Y-%m-%d %H:%M:%SZ");
    match &attempt.end {
        None => format!("attempt {}: since {began}", attempt.number),
        Some(end) => {
            let took = end.ended_at.as_millisecond() - attempt.created_at.as_millisecond();
            let took = super::show::table::lasted(took);
            format!("attempt {}: {began}, {took}, {}", attempt.number, exit_words(&end.exit))
        }
    }
}
