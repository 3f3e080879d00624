//! `sexton why`: one sentence, and the facts behind it.

use jiff::tz::TimeZone;

use crate::pipeline::node::NodeId;
use crate::run::why::{Around, root_cause, why as sentence};
use crate::store::tasks::AttemptRecord;

use super::args::WhyArgs;
use super::desk;
use super::failure::Outcome;
use super::tasks::restored;

/// Explains a node of a run.
pub async fn why(args: &WhyArgs) -> anyhow::Result<Outcome> {
    let reader = desk::open(&args.state).await?;
    let record = desk::run(&reader, Some(args.run)).await?;
    let run = restored(&reader, &record).await?;
    let tree = run.tree().clone();
    let node = desk::node(&tree, &args.path, record.id)?;
    let live = run.live().count();
    let around = Around { zone: TimeZone::UTC, places: (live, live) };
    println!("{}", sentence(&run, node, &around));
    let cause = root_cause(&run, node);
    if cause != node {
        println!("{}", sentence(&run, cause, &around));
    }
    let subject = if tree.is_leaf(cause) { cause } else { node };
    if tree.is_leaf(subject) {
        let path = tree.path(subject);
        for attempt in reader.attempts(record.id, &path).await? {
            println!("  {}", told(&attempt));
        }
        println!("  log: sexton logs {} '{path}'", args.run);
    } else if node == NodeId::ROOT {
        println!("  tasks: sexton tasks {}", args.run);
    }
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

fn exit_words(exit: &crate::run::state::Exit) -> String {
    use crate::run::state::Exit;
    match exit {
        Exit::Code(code) => format!("exit code {code}"),
        Exit::Signal(signal) => crate::run::why::signal_words(*signal),
        Exit::TimedOut => "ran into its timeout".to_owned(),
        Exit::Killed => "killed on request".to_owned(),
        Exit::NotStarted(what) => format!("not started: {what}"),
        Exit::Lost(evidence) => format!("lost: {evidence}"),
        Exit::BadOutput(what) => format!("bad output: {what}"),
    }
}
