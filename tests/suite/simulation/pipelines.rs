//! Random pipelines, as files: the engine reads them again after each crash, as it reads everybody's.

use serde_json::{Map, Value, json};
use sexton::calendar::book::Book;
use sexton::pipeline::definition::{Defaults, Pipeline, parse};
use sexton::yaml::report::{Report, SourceFile};

use super::chance::Chance;

/// A pipeline from the text of its file.
pub(super) fn pipeline(name: &str, source: &str) -> Pipeline {
    by_calendars(name, source, &Book::embedded())
}

/// The same, by these calendars.
pub(super) fn by_calendars(name: &str, source: &str, calendars: &Book) -> Pipeline {
    let file = SourceFile::new(format!("{name}.yaml"), source);
    let (pipeline, found) = parse(&file, &Defaults::default(), calendars);
    pipeline.unwrap_or_else(|| {
        let mut report = Report::default();
        report.add(&file, found);
        panic!("{source}\n{}", report.render(false))
    })
}

pub(super) fn random(chance: &mut Chance, name: &str) -> Pipeline {
    let mut leaves = Vec::new();
    pipeline(name, &node(chance, "", 0, &mut leaves).to_string())
}

/// A tree that a command writes: paths are its own, and of its place it says nothing.
pub(super) fn generated(chance: &mut Chance) -> String {
    let depth = chance.below(3) as u32;
    let mut tree = node(chance, "", depth, &mut Vec::new());
    for key in ["after", "trigger_rule"] {
        tree.as_object_mut().unwrap().remove(key);
    }
    tree.to_string()
}

fn node(chance: &mut Chance, path: &str, depth: u32, leaves: &mut Vec<String>) -> Value {
    let mut keys = Map::new();
    let container = depth == 0 || (depth < 4 && chance.below(5) > 2);
    let kind = chance.one_of(&["serial", "serial", "parallel", "parallel", "branch", "lazy"]);
    let mut seconds = |from: u64, below: u64| format!("{}s", from + chance.below(below));
    let (delay, short, long) = (seconds(0, 20), seconds(5, 40), seconds(30, 200));
    let mut set = |odds: u64, key: &str, value: Value| {
        if chance.once_in(odds) {
            keys.insert(key.into(), value);
        }
    };
    set(8, "trigger_rule", json!("all_done"));
    set(10, "trigger_rule", json!("one_failed"));
    set(8, "suppress_errors", json!(true));
    set(14, "skip", json!(depth > 0));
    set(8, "when", json!("ds == '2018-05-14'"));
    set(12, "when", json!("ds != '2018-05-14'"));
    // Nobody has written it, which is an error; or somebody has.
    if let Some(leaf) = leaves.last() {
        set(16, "when", json!(format!("outputs['{leaf}'].rows == '1'")));
    }
    if container {
        if kind == "serial" {
            set(4, "stop_on_error", json!(false));
        }
        set(6, "timeout", json!(long));
        set(3, "max_concurrent", json!(1 + depth % 2));
        set(6, "retry", json!({ "limit": 1, "delay": delay }));
    } else {
        set(5, "timeout", json!(short));
        set(2, "retry", json!({ "limit": 2, "delay": delay, "backoff": 2 }));
        set(2, "kill_grace", json!("3s"));
    }
    if depth > 0 && !leaves.is_empty() && chance.once_in(5) {
        let before = &leaves[chance.below(leaves.len() as u64) as usize];
        keys.insert("after".into(), json!([before]));
    }
    if container && kind == "lazy" {
        keys.insert("lazy".into(), json!("generate"));
    } else if container {
        let children = 1 + chance.below(4);
        let chooses = kind == "branch" && chance.once_in(2);
        if chooses {
            let names: Vec<String> = (0..children).map(|n| format!("n{n}")).collect();
            keys.insert("choose".into(), json!(format!("choose {}", names.join(" "))));
        }
        let mut below = Map::new();
        for n in 0..children {
            let name = format!("n{n}");
            let path = if depth == 0 { name.clone() } else { format!("{path}/{name}") };
            let mut child = node(chance, &path, depth + 1, leaves);
            if kind == "branch" && !chooses && n + 1 < children {
                // What stands before another may be passed over.
                let when = chance.one_of(&["ds == '2018-05-14'", "ds != '2018-05-14'"]);
                child.as_object_mut().unwrap().entry("when").or_insert(json!(when));
            }
            below.insert(name, child);
        }
        keys.insert(kind.into(), Value::Object(below));
    } else {
        leaves.push(path.to_owned());
        if chance.once_in(4) {
            keys.remove("retry");
            sensor(chance, &mut keys);
        } else {
            keys.insert("exec".into(), json!("true"));
        }
    }
    Value::Object(keys)
}

fn sensor(chance: &mut Chance, keys: &mut Map<String, Value>) {
    let sensor = match chance.below(7) {
        0 => json!({ "time": format!("{:02}:00", chance.below(24)) }),
        1 => json!({ "run": chance.one_of(&["p0", "p1"]), "no_slot": chance.one_of(&["skip", "wait"]) }),
        2 | 3 => json!({ "exec": "true" }),
        _ => json!({ "file": "/in/x" }),
    };
    keys.insert("sensor".into(), sensor);
    if keys.contains_key("timeout") {
        let words = ["fail", "continue", "skip_rest"];
        keys.insert("on_timeout".into(), json!(chance.one_of(&words)));
    }
}
